"""The Gradio Space: paste a text, see every mention with its concept, and why."""
