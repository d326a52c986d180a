"""`run_task`: one JSON value in, one JSON value out; the hinge that every engine calls."""
