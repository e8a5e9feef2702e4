"""The long proof of the control: days of the closed plant under disturbance, over several seeds, with its page."""
