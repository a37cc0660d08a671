"""Stage report: the paper's story with our figures and numbers, on one page that needs no other file.

The words are in ``workflow/notebooks/report.ipynb``, and for a study of one's own in ``study.ipynb`` beside it.
``notebook`` is what their cells call. ``story`` reads the results of one scale and shows figures, plots and claims.
``study`` adds the data and the network in focus of a study of one's own. ``summaries`` makes the small tables and
numbers of the prose, and ``words`` puts numbers into words. ``plots`` draws what readers can point at. ``contents``
says which results the page is made of, and ``page`` runs the notebook and writes the page.
"""
