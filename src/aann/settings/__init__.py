"""Settings: what a user may choose, with types, units, defaults and allowed values.

The models in these modules are the one definition. ``workflow/schemas/config.schema.yaml`` and ``config/README.md`` are
written from them (``python -m aann settings``), and a test holds all three equal. A stage receives the part of the
settings that concerns it, so no result depends on settings of another stage.
"""
