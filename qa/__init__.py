"""What is answered: questions → answers whose every citation is a verbatim span of a source."""

__version__ = "0.1.0"
