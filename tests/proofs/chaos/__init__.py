"""A long bad night on a real node: three runs at once, random users, and whatever can happen to a cluster.

The runs are processes of `reconcile --interval`, each with credentials of its own; the node is one of this package's
own, since its etcd and its API server are killed. Storms alternate with calms, and in each calm the judge looks.

__main__.py     `python -m tests.proofs.chaos`: the node, and the campaign inside it
campaign.py     storms, calms, the table at the end
users.py        what users do: previews, hostnames, children edited by hand, objects that are nobody's
programs.py     etcd and the API server: killed, stopped, started; etcd put back in time, compaction
credentials.py  certificates and tokens of the runs, and their rotation
runs.py         the runs: started, killed, stopped, and what their logs tell
small_pages.py  the command with lists of few objects a page, so that something can happen between two of them
havoc.py        what happens to processes and credentials: one table
judge.py        every delete of a run, by the audit log
calm.py         what has to hold once all is quiet
api.py          requests of users and judge
"""
