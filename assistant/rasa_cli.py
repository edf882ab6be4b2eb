"""Rasa's own command line, without the warnings that its dependencies print at every start: `python -m assistant.rasa_cli run ...`.

Sanic switches deprecation warnings on for the whole process when it is imported; here it is imported first and they are
switched off again, so that what is printed is about this project.
"""
import warnings


def main() -> None:
    import sanic.app  # noqa: F401 - its import sets a filter, which the next lines take back

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="Slot auto-fill has been removed", category=UserWarning)
    from rasa.__main__ import main as rasa_main

    rasa_main()


if __name__ == "__main__":
    main()
