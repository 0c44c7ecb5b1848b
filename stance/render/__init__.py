"""One document's result as a terminal table or as a self-contained HTML page."""
