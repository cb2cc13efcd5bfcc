"""The forms that partners fill: what they hold, what their guide says, how they are written."""
