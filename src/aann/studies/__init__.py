"""Studies of one's own: ``looking`` sees what data hold, ``designs`` fits a study to them, ``writing`` writes it."""
