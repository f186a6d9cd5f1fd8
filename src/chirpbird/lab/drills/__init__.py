"""Faults on a schedule, people who go on talking meanwhile, and a judge of what they saw.

``people`` write and read through the balancers with an official SDK, ``nemesis`` breaks parts, both note what they did in a
``record``, ``checker`` holds it against the guarantees, ``report`` prints it. In the spirit of Jepsen (https://jepsen.io).
"""
