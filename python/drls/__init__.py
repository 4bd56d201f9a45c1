"""What DRLS does through Python: typed functions over plain data.

The server calls these functions with dicts, lists, strings and integers and gets the same back. Nothing here knows
HTTP or the server's own database, and nothing is started at import.
"""
