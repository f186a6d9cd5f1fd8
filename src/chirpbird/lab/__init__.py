"""A whole cluster on one machine, with real parts, and the drills that break it.

``plan`` says which hosts and parts there are, ``configs`` what each part is told, ``network`` gives every host a network
namespace of its own, ``supervisor`` runs and breaks the parts, ``observe`` asks them how they are, ``drills`` judges the chat
meanwhile.
"""
