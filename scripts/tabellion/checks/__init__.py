"""The checks: pure functions from tables, or from one reading, to findings.

:mod:`tabellion.checks.contract` looks at the tables of a contract; :mod:`tabellion.checks.returns` and
:mod:`tabellion.checks.formulas` at one file, in a worker process that loads no frames.
"""
