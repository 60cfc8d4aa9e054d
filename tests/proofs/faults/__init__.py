"""What becomes of a run whose requests fail: every request, every fault, by the thousand.

The system under test is the command itself, in this process or in one of its own; the server is a real API
server with a real etcd and no controllers, so that nobody but the command writes.

quiet.py       the control plane without controllers, one for a whole test run
etcd.py        a namespace as etcd has it: kept, and put back as it was, bytes and uids and all
worlds.py      the places where a run finds something to do, each with its reference run
faults.py      the faults: what the server gets of a request, and what the command gets of its answer
line.py        the line between the command and the server: it writes down what passes, and breaks where told
judgement.py   the two oracles: the end state, and the trace of writes
strikes.py     a case: one fault at one request of a reference run, or a kill at one write, then a clean run
lists.py       a case: the list of one kind that is not what the server has, then a clean run

`tests/e2e/test_faults.py` takes a fixed few; `make faults` all of them, and prints how many there were.
"""
