"""Previews whose pods really run, behind a router that really routes.

starting.py      the node of this test run: what a machine needs for one, its start, its end
node.py          what is done on it: commands inside, kubectl, reconcile, requests through the router, images
story.py         a namespace with previews
images.py        the image of the Dockerfile
operations.py    the command installed in the cluster
certificates.py  a private certificate authority
conftest.py      the fixtures
"""
