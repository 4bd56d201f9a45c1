//! `drls plugin ...` without the server: used by the command line and by third parties who need no Python.
