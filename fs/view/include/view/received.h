/* These functions show the shares that this person received, below shared-with-me: names and bytes
 * that need keys from elsewhere. A handler of the kernel that looks for names asks here first
 * whether it has to wait, one that opens a file is told so by EMR_BUSY, and both park their
 * request; nothing here ever waits in the calling thread. It refuses every change, and everything
 * after the end of a grant.
 *
 * A thread of the view asks, collects, and follows the ledger; without emr_view_start the caller
 * does so with emr_view_shared_turn. */
#pragma once

#include "keyring/card.h"
#include "view/names.h"
#include "view/view.h"

typedef enum emr_need {
	EMR_NEED_NAMES, /* to look up or list in directory NODE */
	EMR_NEED_BYTES, /* to open file NODE for reading */
} emr_need;

#define EMR_SHARED_WAIT_NS INT64_C(10000000000) /* how long a release may take */
/* The same where the owner's folder alone could release, and puts nothing onto the ledger
 * meanwhile: then it is most likely closed. */
#define EMR_SHARED_ALONE_NS INT64_C(2500000000)
/* More where the question itself took TRIP_NS to the ledger and back, as an answer does, or the
 * owner's last answer PACE_NS (0: not known); one that took longer than anybody waits was a folder
 * that was opened again. */
static inline int64_t emr_shared_patience_ns(int64_t trip_ns, int64_t pace_ns)
{
	int64_t slow = pace_ns > trip_ns && pace_ns < EMR_SHARED_WAIT_NS ? pace_ns : trip_ns;

	return 3 * slow > EMR_SHARED_ALONE_NS ? 3 * slow : EMR_SHARED_ALONE_NS;
}

/* Called once, from a thread of the view and without a lock; the call that was put off may be made
 * now when STATUS is EMR_OK. Must be quick.  EMR_TIMEOUT, EMR_DENIED, EMR_ACCESS_ENDED,
 * EMR_ACCESS_REVOKED (each told as a notice), EMR_OFFLINE, EMR_INTERRUPTED (the end), and what
 * reading says. */
typedef void (*emr_ready_fn)(void *arg, emr_status status);

/* EMR_OK: the call can be made at once, READY is not called.  EMR_BUSY: READY will be called; where
 * it is NULL, that is all. NAME: what is looked up; NULL for a listing or a file.  Other statuses:
 * refused. */
emr_status emr_view_await(emr_view *view, uint64_t node, emr_need need, const char *name,
	emr_ready_fn ready, void *arg);
/* Whether the call of this thread that has just given EMR_BUSY lacked a block. */
bool emr_view_lacks_block(emr_view *view);
/* After a call on HANDLE, or on its node, gave EMR_BUSY for AT, in the same thread.  EMR_BUSY:
 * READY will be called when the block that was lacking is here, and the call may be made again,
 * which may lack another one; or it says why not, as a notice does: EMR_MISSING_DATA, EMR_DAMAGED,
 * EMR_OFFLINE, EMR_TIMEOUT, EMR_INTERRUPTED.  Any other answer is that at once. */
emr_status emr_view_await_block(emr_handle *handle, uint64_t at, emr_ready_fn ready, void *arg);
/* Answers everybody who waits with EMR_INTERRUPTED; when it returns no READY runs or will be
 * called. */
void emr_view_end_waits(emr_view *view);

/* Whether only people may read the file NODE, because another shares it, or it lies among what
 * another shares: only then is it worth knowing who asks.  Any thread. */
bool emr_view_is_for_people(emr_view *view, uint64_t node);
/* PROGRAM, which reads without a person, was not let in: whose file it is will be told.  Any
 * thread.
 */
void emr_view_refuse_program(emr_view *view, uint64_t node, const char *program);

/* One round of what the thread does; *out_next_ms (may be NULL): when the next is due at the
 * latest, by what is known now. */
void emr_view_shared_turn(emr_view *view, int64_t *out_next_ms);

/* How a person is called; see emr_view_options.names. */
typedef struct emr_owner_called {
	char name[EMR_NAME_MAX + 1];	 /* with the organisation */
	char code[EMR_KEY_CODE_MAX + 1]; /* "": not looked up yet */
	char handle[EMR_NAME_MAX + 1];	 /* the name alone: of it the directory's is made */
	unsigned number; /* which of those who are called so; 0: HANDLE does not tell whose it is */
} emr_owner_called;
/* NAME (CODE) [OWN WORDS], as user.emrfs.patient says of the person with CARD; NAME "": CODE alone
 * stands there. The card's name, unless NAME says it, and date of birth are the person's own words.
 * A character that could end a name is "_" in it, and brackets are emrfs's own. Words that are too
 * long are cut. */
void emr_shared_owner_name(
	const char *name, const char *code, const emr_card *card, char out[EMR_NAME_MAX + 1]);
/* Whose directory TEXT means: the whole name, letters a to z in either case. Somebody else who
 * shares nothing may have the same code: the caller looks for that one. EMR_NOT_FOUND;
 * EMR_CONFLICT: several are called so. */
emr_status emr_shared_owner(emr_view *view, const char *text, emr_id32 *out_signer_id);

/* Before emr_view_start: the folder itself is the dataset of LINE (emr_dataset_line) and nothing
 * else, for reading: who takes part lies at its top, and .emrfs. */
void emr_view_show_dataset(emr_view *view, emr_id16 line);
/* The same of a frozen state: of DOMAINS (emr_id16, copied) what came before entry LOG_SIZE, and
 * nothing that was saved since. */
emr_status emr_view_show_frozen(
	emr_view *view, emr_id16 line, uint64_t log_size, emr_bytes domains);

/* A participant of the dataset that the folder shows. */
typedef struct emr_participant {
	const char *pseudonym;
	const char *opens; /* as user.emrfs.opens of the files: "any-time", "while-open", "absent",
			      "daily-limit"; or the message id of an end: "left", "dropped",
			      "closed", "grant-expired" */
	bool is_over;
	uint64_t files; /* that the ledger has; 0 after an end */
} emr_participant;
/* Appends each, emr_participant, also those whose end is news; borrowed from the view.  Nobody
 * where the folder shows something else. Counts on the ledger: not for each request. */
emr_status emr_view_participants(emr_view *view, emr_buf *out);

/* Appends a line for each file of the dataset that the folder shows, as sha256sum -c takes them: of
 * a copy the sum that its participant signed; of an original, which has none, a comment.  EMR_BUSY:
 * names are lacking still, which opening MANIFEST.sha256 waits for (emr_view_await). */
emr_status emr_view_study_list(emr_view *view, emr_buf *out);

/* Lists the shares that this person received, and those that ended in the last thirty days.
 * Borrowed for the call. */
typedef enum emr_share_phase {
	EMR_SHARE_OPEN,
	EMR_SHARE_EXPIRED,
	EMR_SHARE_REVOKED,
} emr_share_phase;

typedef struct emr_shared_with_me {
	const char *owner; /* the name of the owner's directory */
	const char *path;  /* where it is shown, or was, from the top of the folder */
	const char *right; /* "read", "write" or "deposit" */
	emr_id16 domain, grant;
	bool is_by_card;	/* an Inbox, because this person has its owner's card */
	bool opens_away;	/* any time; else only while the owner's folder is open */
	const emr_id32 *agents; /* of whom NEEDED release its keys then */
	unsigned agents_count, needed;
	bool is_unanswered;    /* who gives its keys (OPENS_AWAY) did not when it was asked last */
	bool is_owner_unasked; /* nor did it give a key within the last minute: nobody knows */
	uint32_t purposes;     /* bit n = purpose n; 0 of a deposit */
	emr_share_phase phase;
	uint64_t until_unix_s; /* when it ends, or ended; as late as a clock can be: never */
} emr_shared_with_me;
/* For scripts: "any-time", or "while-open" for only while the owner's folder is open. */
static inline const char *emr_opens_word(bool opens_away)
{
	return opens_away ? "any-time" : "while-open";
}
/* False ends it. */
typedef bool (*emr_shared_with_me_fn)(void *arg, const emr_shared_with_me *share);
/* Each share once, as it is known by now; what came with a share around it is that one's.  FN must
 * not call the view.  EMR_NO_MEMORY. */
emr_status emr_view_each_shared_with_me(emr_view *view, emr_shared_with_me_fn fn, void *arg);

/* A file of a de-identified dataset, whose signature fits and is its participant's own.  Borrowed
 * for the call. */
typedef struct emr_copy_claim {
	const struct emr_terms *terms;
	emr_id32 terms_id;
	emr_id32 participant; /* no process that looks sees the files of two */
	const uint8_t
		*rules; /* 32 bytes that its statement says; NULL: it says that it is no copy */
	uint64_t size;
	emr_status (*read)(void *arg, uint64_t at, void *out, size_t len);
	void *arg;
} emr_copy_claim;

/* How many contents of the dataset on the terms TERMS_ID were withheld since the folder was opened.
 */
uint64_t emr_view_withheld(emr_view *view, emr_id32 terms_id);

/* A notice about a share; what does not apply is NULL or 0.  Borrowed for the call. */
typedef struct emr_shared_notice {
	const char *id;	     /* message id: "no-release", "grant-expired" ... */
	const char *path;    /* from the top of the folder */
	const char *inside;  /* the same path at the owner's: "SHARE/..."; of "copy-unsigned" the
				original's */
	const char *owner;   /* the owner's directory; of "bad-signature", "signature-stale",
				"copy-unsigned" who signed; in a dataset the pseudonym */
	const char *dataset; /* in which the owner took part; NULL: no dataset */
	const char *organisation; /* of the signer */
	uint32_t purposes;	  /* of the grant: bit n = purpose n */
	uint8_t purpose;	  /* of the folder */
	uint64_t time_unix_s;
	uint64_t points; /* of "unpaid": the dataset's price */
	unsigned seconds, t, n;
	int64_t ahead_s; /* of "clock": the host's before this computer's; 0: a third one's */
	const emr_id32 *missing; /* signer ids of those who did not answer, or lied */
	unsigned missing_count;
	bool have_lied;
	bool is_owner_missing;
} emr_shared_notice;
