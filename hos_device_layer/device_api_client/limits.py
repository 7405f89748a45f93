"""How long calls and their callers wait."""

# How long a call is held while no device manager can be reached [s]. Discovery takes 2 to 3 s if
# the first announcements are lost, because Fast DDS then repeats them every 3 s.
MANAGER_TIMEOUT_S = 10.0

# How long the manager may take to answer a call [s]. It answers immediately, except in bursts.
ANSWER_TIMEOUT_S = 30.0

# How long a call may run if the manager cannot be asked, or its device is never idle [s]: longer
# than anything that devices do.
RESULT_TIMEOUT_S = 7 * 86_400.0

# How long `wait` looks for the thread that spins the node [s]; it may be busy with a callback.
SPINNER_TIMEOUT_S = 5.0

# How long a thread that has spun the node may do nothing for it before `wait` looks for another
# one [s]: as long as a callback may take.
SPINNER_SILENCE_S = 60.0
