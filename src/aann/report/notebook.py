"""All that the cells of the notebook call."""

from aann.figures import embedding, path
from aann.report import families, plots, summaries, words
from aann.report.story import Prose, Story, plotly_script
from aann.report.study import Study

__all__ = ["Prose", "Story", "Study", "embedding", "families", "path", "plotly_script", "plots", "summaries", "words"]
