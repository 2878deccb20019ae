"""The web form and the API, by Flask."""

from qa.web.app import create_app as create_app
