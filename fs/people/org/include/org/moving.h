/* A network that began in a directory goes on in a channel of Fabric, with the same ids, versions,
 * content and proofs. It refuses a channel that most members have not agreed on, and to leave the
 * directory before all that it has is in the channel. */
#pragma once

#include "kit/out.h"

/* org move DIR: DIR has the file "network" (gateway/channel.h) that says where the channel is.
 * Steps, each of which may be killed; the same line goes on:
 *
 * 1. the channel's first block is looked at, and written into DIR/network where it is not named;
 * 2. it is proposed, if nobody has, and approved: the directory ends with the approval that
 *    completes it, and takes nothing more (EMR_OFFLINE: what folders have to send waits in them);
 * 3. its entries are brought to the channel, from where the channel says that they end;
 * 4. the settings with their certificates are put into the network's directory;
 * 5. the file ledger/moved there is made: from then on members read the channel.
 *
 * With fewer approvals than are needed it ends behind 2, and the administrator whose approval
 * completes it does the rest. */
int emr_org_move(const emr_args *args, emr_out *out);
