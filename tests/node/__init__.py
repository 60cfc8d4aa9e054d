"""Previews whose pods really run, behind a router that really routes.

starting.py  the node of this test run: what it takes, its start, its end
node.py      what is done on it: commands inside, kubectl, reconcile, requests through the router, images
images.py    the image of the Dockerfile
story.py     a namespace with previews
conftest.py  the fixtures
"""
