"""The dashboard: a process that only reads, and shows what the workspace holds as pages, JSON and CSV.

A page is one function from what is asked (``Params``) to what is found (``PageValue``); ``report`` renders it. ``catalogue.py``
lists the pages, ``application.py`` makes them a web application, ``security.py`` stands before it.
"""
