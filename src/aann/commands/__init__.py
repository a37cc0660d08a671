"""The commands: one module for each group, loaded when a command of it is called.

A command parses its options, calls one function and reports. It decides nothing that a result depends on.
"""

HELP = {
    "study": "Look at data of your own, and write a study of them.",
    "datasets": "Fetch data sets and split them into training, validation and test images.",
    "psiren": "Make p-sparse ternary networks by p-SIREN (Algorithm 1).",
    "neighbors": "Count what first neighbors get right, exactly.",
    "embeddings": "Embed first neighbors in two dimensions, and measure how clustered they are.",
    "sense": "Climb from neighbor to neighbor (Algorithm 2), from random networks and from networks of p-SIREN.",
    "families": "Walk to networks of the same family that share no connection, and compare them.",
    "driving": "Imitation learning in CarRacing: demonstrations of an expert, and how well networks drive.",
    "export": "Write a network as a file that others run: packed to few bytes, as C, as ONNX, or as a page.",
    "figures": "Draw figures from tables, each as PDF and PNG with its numbers as CSV.",
    "claims": "Judge what the paper states from the tables behind the figures.",
    "report": "Tell the paper's story with our figures and numbers on one page.",
    "predict": "Print what a network takes photos for, how sure it is, and what is next to that.",
    "provenance": "Print what a file came from: inputs and hashes, settings, seeds, code and versions.",
    "results": "Make results fresh after they were copied or unpacked, or remove those of a scale.",
    "release": "Ship what figures and claims were drawn from, and draw them again without training anything.",
    "times": "Say when each job of a run began and what it took, and forecast how long a build takes.",
    "settings": "Check settings, and write what documents them.",
}
"""What each group of commands is for, in the order in which they are listed."""
