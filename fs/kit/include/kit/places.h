/* This says where emrfs keeps its files and settings. It refuses a state directory that others
 * can enter. */
#pragma once

#include "base/file.h"
#include "keyring/grant.h"
#include "keyring/keyring.h"
#include "kit/message.h"

/* Names in the state directory. */
#define EMR_STATE_KEYFILE "keyfile"
#define EMR_STATE_KEYFILE_LOCK "keyfile.lock"
#define EMR_STATE_LOCK "lock"
#define EMR_STATE_LOG "log"
#define EMR_STATE_PROFILE "profile"
#define EMR_STATE_BOOK "people"
#define EMR_STATE_SECOND_COPY "second-copy"
#define EMR_STATE_BLOCKS "blocks"
#define EMR_STATE_INDEX                                                                            \
	"index" /* of the blocks, where they are in a network's directory; can be deleted */
#define EMR_STATE_TAGS "tags" /* of units of leaves in them; can be deleted */
#define EMR_STATE_LEDGER "ledger"
#define EMR_STATE_NETWORK                                                                          \
	"network" /* of a member who came with a mailed invitation: where the member's network is  \
		   */
#define EMR_STATE_OWN_COPY "replica.sqlite"
#define EMR_STATE_LEDGER_AWAY "ledger-away"
#define EMR_STATE_ORDERS "orders" /* what the ledger has not heard of yet */
#define EMR_STATE_SPILL "spill"
#define EMR_STATE_GUARDIANS                                                                        \
	"guardians"		/* who open it by their own passphrases (keyring/letters.h) */
#define EMR_STATE_AGENT "agent" /* an agent's fragments; only its state has it */
#define EMR_RUN_SOCKET "socket"
#define EMR_ELSEWHERE_HOLDER "holder"

/* Absolute paths, owned. */
typedef struct emr_places {
	char *home;  /* of the user */
	char *state; /* keyring, blocks, ledger: what must not be lost */
	char *config;
	char *cache;   /* what can be had again; perhaps not there */
	char *run;     /* the socket */
	int run_flags; /* O_NOFOLLOW, where others could put a link there */
} emr_places;

/* From the environment: EMRFS_HOME (then state, cache and run are directories in it, and settings a
 * file), or XDG_DATA_HOME, XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_RUNTIME_DIR with their usual
 * defaults.  AS (NULL = the
 * usual keyring) gives `as/NAME` in each. EMR_INVALID: a relative path, or AS is not 1..64 of
 * [A-Za-z0-9._-] beginning with a letter or digit.  Where the runtime directory would lie on a disk
 * that takes nothing it is elsewhere (below). */
emr_status emr_places_find(const char *as, emr_places *out_places, emr_problem *out_problem);
void emr_places_free(emr_places *places);
#define EMR_AUTO_PLACES __attribute__((cleanup(emr_places_free))) emr_places

/* Opens the state directory; MAY_CREATE makes it (0700).  EMR_NOT_FOUND; EMR_EXPOSED when others
 * have any right there. */
emr_status emr_places_open_state(
	const emr_places *places, bool may_create, int *out_fd, emr_problem *out_problem);
/* Makes the runtime directory (0700) if needed. */
emr_status emr_places_open_run(const emr_places *places, int *out_fd, emr_problem *out_problem);
/* The file in which a writer in a network's directory has a byte locked: one for all keyrings
 * of this account, whatever their own places are, below the home that the system knows.  Owned by
 * the caller; NULL without memory. */
char *emr_places_writers(void);
/* Where notes about a state are kept that its own disk does not take, in memory as a rule: below
 * XDG_RUNTIME_DIR, /run/user/UID, or /tmp.  Every process that knows the state finds the notes.
 * Owned by the caller; NULL without memory. */
char *emr_places_elsewhere(int state_fd);
/* EMR_NOT_FOUND unless MAY_CREATE; EMR_EXPOSED when others have any right there. */
emr_status emr_places_open_elsewhere(int state_fd, bool may_create, int *out_fd);
/* True when PATH is the directory of state, cache or runtime, or lies in one.  PATH need not exist;
 * its parent should. */
bool emr_places_contain(const emr_places *places, const char *path);
/* PATH without symbolic links as far as it exists, absolute, owned by the caller; NULL without
 * memory. */
char *emr_path_real(const char *path);

/* One IPFS node that records are given to, or a gateway that is only read from.  Owned; NULL = not
 * said. */
typedef struct emr_node_setting {
	bool is_gateway;
	char *address;		 /* node = ADDRESS, gateway = ADDRESS */
	char *token;		 /* node-token = FILE, below it */
	char *ca;		 /* node-ca = FILE, below it */
	char *host_dir;		 /* where the settings of the network's host are; NULL: another */
	size_t host_number;	 /* of a host that stands in (served/client.h); 0: one's own */
	char *pin;		 /* of the host's key, or NULL */
	char *cluster;		 /* cluster = ADDRESS, below a node; NULL: it belongs to none */
	char *cluster_token;	 /* cluster-token = FILE, below that */
	char *cluster_ca;	 /* cluster-ca = FILE, below that */
	unsigned cluster_copies; /* cluster-copies = N, below that */
} emr_node_setting;

#define EMR_NODES_MAX 16

typedef struct emr_settings {
	emr_kdf_cost kdf; /* kdf = MEMORY_MIB,PASSES */
	int64_t idle_ns;  /* idle = TIME; 0 = never */
	char *notify;	  /* notify = PROGRAM; NULL = not set; owned */
	bool no_notify;	  /* notify = none: not even the desktop */
	emr_node_setting nodes[EMR_NODES_MAX];
	size_t node_count;
	uint64_t cache_bytes;  /* cache-bytes = SIZE */
	uint32_t copies_first; /* copies-before-register = N */
	uint32_t cache_days;   /* cache-days = N */
	emr_away away;	       /* away = others, own or nobody */
	bool is_away_said;     /* the line is there */
	bool tells_patients;   /* tell-patients = yes */
} emr_settings;

/* One line of the settings file, for manual and parser. */
typedef struct emr_setting_row {
	const char *name, *argument, *help;
} emr_setting_row;

/* NULL after the last. */
const emr_setting_row *emr_setting_get(size_t index);

/* Without a file: the defaults.  EMR_INVALID names file, line and what was wrong. */
emr_status emr_settings_read(
	const emr_places *places, emr_settings *out_settings, emr_problem *out_problem);
/* One settings text; as above.  FILE is for the message. */
emr_status emr_settings_parse(
	const char *file, emr_bytes text, emr_settings *out_settings, emr_problem *out_problem);
/* `NAME = VALUE` at the end of the settings file, where it counts more than what stands before it.
 * Without a file it is made, and its directory.  As emr_settings_read; errors of writing. */
emr_status emr_settings_write(
	const emr_places *places, const char *name, const char *value, emr_problem *out_problem);
void emr_settings_free(emr_settings *settings);
#define EMR_AUTO_SETTINGS __attribute__((cleanup(emr_settings_free))) emr_settings
