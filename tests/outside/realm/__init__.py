"""A realm of its own: MIT's KDC, and Apache httpd in front of a server that knows no sign-in. See README.md."""
from .realm import Realm, missing

__all__ = ["Realm", "missing"]
