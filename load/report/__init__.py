"""`report`: a campaign as pages that can be read without knowing the method."""
