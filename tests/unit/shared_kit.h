/* The folder of a person with whom Ana shares, without a kernel: dr lima's view on dr lima's own
 * copy of the ledger, with a store whose writer is of its own in Ana's directory of blocks. A
 * failed step fails the test. */
#pragma once

#include <pthread.h>

#include "story_kit.h"
#include "view/received.h"

typedef struct viewer {
	story *s;
	int state_fd, spill_fd;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_store *store;
	emr_journal *journal;
	emr_record_ctx *records;
	emr_facts *facts;
	emr_settle *settle;
	emr_view *view;
	char owner[300];      /* path of Ana's directory */
	pthread_mutex_t lock; /* of the next two, which threads of the view add to */
	char notices[4096];   /* "id path ...\n" each */
	char told[8192];      /* "node name\n": what the kernel must forget */
	uint8_t purpose;
} viewer;

/* Further options of its view, borrowed; NULL of it: nothing. */
typedef struct viewer_more {
	struct emr_fetcher *fetcher;
	emr_status (*look_at_copy)(void *arg, const emr_copy_claim *claim, bool *out_is_copy);
	void *look_at_copy_arg;
} viewer_more;

void viewer_open_with(viewer *v, story *s, const person *who, const char *name, uint8_t purpose,
	const viewer_more *more);
/* For WHO, in the directory NAME (made if it is not there). */
void viewer_open(viewer *v, story *s, const person *who, const char *name, uint8_t purpose);
void viewer_close(viewer *v);

/* Runs the viewer, and ANSWER (the owner or the agents) after it, until nobody waits or ROUNDS are
 * over. */
void viewer_run(viewer *v, story_fn answer, int rounds);
/* For emr_view_await, whose argument is then a reply: it comes once. */
typedef struct reply {
	bool has_come;
	emr_status status;
} reply;
void viewer_ready(void *arg, emr_status status);
/* Waits as a request for NODE does: until it is answered, or ten seconds are over. */
emr_status viewer_wait(viewer *v, uint64_t node, emr_need need, story_fn answer);
/* Node of PATH from the top; names are asked for with ANSWER where they must be.  The status of the
 * first step that failed. */
emr_status viewer_find(viewer *v, const char *path, story_fn answer, emr_attr *out_attr);
/* Names in PATH with commas between, in a static buffer; "!status" when it cannot be listed. */
const char *viewer_list(viewer *v, const char *path, story_fn answer);
/* Opens for reading. */
emr_status viewer_open_file(viewer *v, const char *path, story_fn answer, emr_handle **out_handle);
/* The bytes of PATH as text in a static buffer; "!status". */
const char *viewer_text(viewer *v, const char *path, story_fn answer);
const char *viewer_attribute(viewer *v, const char *path, const char *name);
/* At INSIDE of hers are the bytes WANTED, or the names. */
void viewer_reads(viewer *v, const char *inside, story_fn answer, const char *wanted);
void viewer_lists(viewer *v, const char *inside, story_fn answer, const char *wanted);
/* Ana's directory as it is called now goes to v->owner. */
void viewer_learn_owner(viewer *v);
/* PATH below Ana's directory, in a static buffer. */
const char *viewer_at(const viewer *v, const char *inside);

/* The story, and dr lima's folder over it. */
#define LIMAS_FOLDER                                                                               \
	STORY;                                                                                     \
	SCENE_OF(viewer, v, viewer_close, viewer_begin, &s)
void viewer_begin(viewer *v, story *s);
void viewer_end(story *s, viewer *v);
/* Two of her cards say her name in two orders; the newest names the directory, from here on. */
void viewer_learn(viewer *v);

/* PATH of Ana becomes a domain of its own, which is published. */
emr_id16 ana_makes_domain(story *s, const char *path);
/* With lima, for reading, a week. */
void ana_shares_domain(story *s, emr_id16 domain, const char *label);
