/*
 * What quire-sim can do besides running seeds: `quire-sim NAME …`, one file each. To add one, write
 * its function, declare it here, and name it in main.c's table.
 */
#ifndef SIMULATION_COMMANDS_H
#define SIMULATION_COMMANDS_H

/** `words` are those after the command's name. Libsodium has begun, and asking it for randomness
 * ends the program. Returns what the program ends with: 0 all well, 1 something failed, 2 not run. */
struct command {
    const char *name;
    const char *summary; /* one line of the help */
    int (*run)(int count, char **words);
};

/** The present flags, without a name: seeds and their verdicts. */
int command_seeds(int count, char **words);
/** A night's run. */
int command_swarm(int count, char **words);

/** Stories that people wrote. */
int command_run(int count, char **words);

/** A hostile server, by strategies. */
int command_attack(int count, char **words);

#endif
