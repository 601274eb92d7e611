"""What every page shares: one template environment that escapes all text, one style sheet, the same figures of time."""

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined


def page_environment() -> Environment:
    """An environment for the templates of this folder. All values are escaped; a missing one is an error."""
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: files("tunewright.study").joinpath(name).read_text(encoding="utf-8")),
    )
