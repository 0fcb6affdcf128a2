/* These functions cut off what must end when a computer, a disk or a backup of a person was lost:
 * his other computers, and the keys of what was saved until now. They refuse to say that this
 * takes back what the lost one has. */
#pragma once

#include "keyring/keyring.h"
#include "kit/out.h"
#include "kit/places.h"

/* Removes all other computers, begins new epochs where somebody else could have keys, and says what
 * remains.  The folder is closed and its lock held.  Can be repeated after any interruption. */
emr_status emr_lost_cut_off(const emr_places *places, int state_fd, emr_keyring *keyring,
	emr_out *out, emr_problem *out_problem);
