"""A foreign Symantec Management Platform, written from the wire reference alone.

It shares no code, no names and no layout with the project's client or its simulator, so that neither of the two
can agree with it by sharing a mistake. See ../README.md for every choice that was made.
"""
