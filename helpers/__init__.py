"""What is not the lesson: the session, the digits, the model, the proofs, the pictures."""
