/* A backend of a host on a channel that a test plays: the calls of emrfs-fabric, with the contract
 * as the only peer, each batch in a block of its own. The channel itself is tried by
 * tests/integration/channel_host.sh. */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/serve.h"
#include "ledger/chain.h"
#include "ledger_kit.h"

typedef struct channel_play {
	char dir[96]; /* with the socket */
	char genesis[65];
	const emr_clock *clock;
	emr_serve *serve;
	pthread_t ticks; /* so that nobody waits longer than was asked for */
	atomic_bool is_ending;
	pthread_mutex_t lock; /* what follows */
	emr_chain *chain;     /* all that it took */
	emr_buf descriptor;
	json_t *log, *asked, *ended; /* the latter two by id */
	size_t handed;		     /* transactions that were handed in */
	bool is_stopped;	     /* its reader says so */
	bool is_slow;		     /* it takes what it is handed, and enters nothing */
	bool is_mute;		     /* whoever hands in hears nothing */
	size_t looked;		     /* how often it was asked for its log, or how it is */
	size_t parts_most;	     /* of one answer, the rest later; 0: all */
	size_t behind;		     /* blocks that its peer has and it has not read */
	bool has_lost_parts;	     /* but of registrations: its peers have them no more */
	uint8_t late_family;	     /* its peers have no part of this family yet; 0: all */
	uint64_t later_s;	     /* added to the times in its log */
} channel_play;

void play_begin(channel_play *p, const char *dir, const emr_clock *clock);
void play_start(channel_play *p); /* again, behind play_stop */
void play_stop(channel_play *p);
void play_end(channel_play *p);

extern channel_play play; /* of that: a network in it, and its ledger opened */
const kit_backend *play_kit(void);
