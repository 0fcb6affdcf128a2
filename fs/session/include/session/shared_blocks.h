/* The blocks of a network of several members: DIR/blocks is one store, in which each member's
 * device writes segments of its own; a member's state has a symbolic link there where a store of
 * its own would be. It refuses to lose a block: a store that moves is complete in both places until
 * the link stands, and can be begun again. */
#pragma once

#include "base/id.h"
#include "kit/message.h"

#define EMR_NETWORK_DIR_BLOCKS "blocks"
#define EMR_STATE_DEVICE                                                                           \
	"device" /* this device's writer id, emr_writer_text: needs no passphrase */

/* The state's blocks are those of DIR from now on: moves what the state has there, unless DIR has
 * younger ones of this device (a state that came back from a backup), and leaves a link.  Nothing
 * to do when it stands already.  A move that was interrupted goes on.  Nobody may have the store
 * open. */
emr_status emr_blocks_share(
	int state_fd, const char *dir, emr_id16 device, emr_problem *out_problem);
/* The same for a state that came back from a second copy (restored_blocks.h): its own blocks stay
 * at EMR_STATE_BLOCKS_COPIED, for who takes single ones out of them.  WINS: they take the place of
 * what DIR has of this device, all of which goes aside, into a directory of DIR/blocks (out_aside:
 * its name; "": there was nothing).  No mark that somebody left in DIR counts. */
#define EMR_STATE_BLOCKS_COPIED "blocks.copied"
#define EMR_BLOCKS_ASIDE_MAX 64
emr_status emr_blocks_share_restored(int state_fd, const char *dir, emr_id16 device, bool wins,
	char out_aside[EMR_BLOCKS_ASIDE_MAX], emr_problem *out_problem);
/* As emr_blocks_share when the state's ledger is that of a network and its blocks are not yet: at
 * each start. A state without blocks is one that is being made, and is left alone. */
emr_status emr_blocks_follow_network(int state_fd, emr_id16 device, emr_problem *out_problem);
/* NAME of one directory also in another: a hard link where that is possible, else a copy, on the
 * disk before it has its name. Blocks that stand there are of an earlier try. */
emr_status emr_blocks_give_file(int from_fd, int to_fd, const char *name);
/* Where the blocks lie, for a person: in the state at STATE_PATH, or, of a member, in the network's
 * directory. */
void emr_blocks_place(int state_fd, const char *state_path, char *out, size_t size);
/* That what the link points to is there.  EMR_OK, too, when the blocks are the state's own. */
emr_status emr_blocks_check(int state_fd, emr_problem *out_problem);
