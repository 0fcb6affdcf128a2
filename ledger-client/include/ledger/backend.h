/* Every host of the ledger implements this interface: SQLite in a directory (embedded.c), the door
 * before it (absent.c), or the host that serves it (served/client.c). Proofs are made above
 * it from subtrees. It refuses nothing by itself that ledger.h does not name. */
#pragma once

#include "ledger/ledger.h"

struct emr_chain;
struct emr_chain_lacking;
struct emr_checkpoint;

/* Every function may be called from several threads at once and follows the contract of its
 * namesake in ledger.h. */
typedef struct emr_ledger_backend {
	void (*close)(void *self);
	emr_status (*submit)(void *self, emr_bytes batch, emr_ledger_answer *out_answer);
	/* NULL = others cannot hand in here. */
	emr_status (*take)(void *self, emr_id32 submitter, const uint8_t submit_sig[64],
		emr_bytes batch, emr_ledger_answer *out_answer);
	emr_status (*size)(void *self, uint64_t *out_size);
	emr_status (*entries)(void *self, uint64_t from, size_t max, emr_ledger_entry_fn fn,
		void *arg, size_t *out_n);
	emr_status (*fetch)(
		void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg);
	emr_status (*find_item)(
		void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index);
	/* Hash of the complete subtree of 2^LEVEL entries that begins with entry INDEX * 2^LEVEL.
	 */
	emr_status (*subtree)(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32]);
	/* The kept note and what replaces it; the caller has checked NOTE.  Replaces only what
	 * still equals OLD (empty = none), else EMR_CONFLICT. */
	emr_status (*note)(void *self, emr_buf *out_note);
	emr_status (*replace_note)(void *self, emr_bytes old_note, emr_bytes note);
	emr_status (*wait)(void *self, uint64_t since, int timeout_ms, uint64_t *out_size);
	void (*wake)(void *self); /* also from a signal handler: takes no lock */
	void (*stop)(void *self); /* the same.  NULL = nothing is waited for but by `wait` */
	emr_status (*verify)(void *self, emr_ledger_trouble *out_trouble);
	/* Builds the host's file again of what is whole in it and in OWN, a verified copy inside of
	 * a read transaction (chain.h, emr_chain_unite, emr_chain_build_again).  NULL = the host
	 * looks after itself. */
	emr_status (*mend)(void *self, struct emr_chain *own, uint64_t size, const uint8_t root[32],
		emr_ledger_trouble *out_trouble, bool *out_was_damaged);
	/* Of emr_ledger_lacks and emr_ledger_give.  Both NULL = it is no single host's. */
	emr_status (*lacks)(void *self, uint64_t from, struct emr_chain_lacking *out);
	emr_status (*give)(void *self, const emr_part_key *keys, const emr_bytes *parts, size_t n,
		size_t *out_n);
	/* NULL = it is always there. */
	void (*look)(void *self, emr_ledger_absence *out_absence);
	/* NULL = it waits for nobody. */
	void (*hurry)(void *self);
	/* Both NULL = nobody signs how far it goes. */
	emr_status (*head)(void *self, emr_buf *out_note);
	emr_status (*knows)(void *self, const struct emr_checkpoint *head);
	/* NULL = it loses nothing. */
	emr_status (*ask)(void *self, const char *what, emr_bytes body, emr_buf *out);
	emr_status (*stand_in)(void *self, emr_ledger_standing *io); /* NULL = nobody does */
} emr_ledger_backend;

/* A handle over SELF, which it closes; also when this fails.  DESCRIPTOR is copied. */
emr_status emr_ledger_over(const emr_ledger_backend *backend, void *self, emr_bytes descriptor,
	emr_ledger **out_ledger);

/* The backend below a handle, for one that stands in front of it. */
const emr_ledger_backend *emr_ledger_below(const emr_ledger *ledger, void **out_self);

/* The backend of a network directory.  Knows no absence: it opens or it does not. */
emr_status emr_embedded_open(const emr_ledger_options *options, emr_ledger **out_ledger);
/* The same with the eventfd (EFD_NONBLOCK, borrowed) that ends its waits. */
emr_status emr_embedded_open_woken(
	const emr_ledger_options *options, int wake_fd, emr_ledger **out_ledger);
/* The same behind a door that may be closed: what emr_ledger_open gives when options->known is set.
 */
emr_status emr_absent_open(const emr_ledger_options *options, emr_ledger **out_ledger);
/* As emr_ledger_submit, of a handle on a directory (emr_embedded_open) that may have been opened
 * without a submitter: appends a BATCH that SUBMITTER handed in elsewhere and signed (SUBMIT_SIG,
 * over emr_submit_message of this network).  The caller need not know SUBMITTER: an id that is not
 * registered is an answer, the refusal EMR_RESULT_SUBMITTER.  EMR_DENIED: the signature is not
 * SUBMITTER's, or is over another batch or network; nothing was written, also where the batch is
 * there already.  EMR_UNSUPPORTED: not such a handle. */
emr_status emr_embedded_take(emr_ledger *ledger, emr_id32 submitter, const uint8_t submit_sig[64],
	emr_bytes batch, emr_ledger_answer *out_answer);

/* Until the file of the ledger in PATH has what its channel has by now, read by this process or by
 * another one.  A file that lacks nothing needs no backend; SAID: words about a failure.
 * EMR_INTERRUPTED: STOP_FD (0: none) was readable before. */
emr_status emr_embedded_catch_up(const char *path, int stop_fd, char *said, size_t said_size);

/* Private parts that entries from FROM on brought and the host behind LEDGER does not have, a
 * portion of them; and those of them that the caller has: *OUT_N = how many fitted and were not
 * there.  EMR_UNSUPPORTED. */
emr_status emr_ledger_lacks(emr_ledger *ledger, uint64_t from, struct emr_chain_lacking *out);
emr_status emr_ledger_give(emr_ledger *ledger, const emr_part_key *keys, const emr_bytes *parts,
	size_t n, size_t *out_n);

/* Where the host behind LEDGER is damaged, it is built again of what is whole in it and in OWN, and
 * *OUT_WAS_DAMAGED.  It must have as many entries as OWN, and SIZE, over which the root is ROOT (0:
 * none is known).  EMR_UNSUPPORTED: it looks after itself; EMR_OFFLINE while it is away, EMR_DENIED
 * when it was opened for reading, EMR_ROLLBACK, EMR_FORK; EMR_DAMAGED: an entry is whole in
 * neither. */
emr_status emr_ledger_mend(emr_ledger *ledger, struct emr_chain *own, uint64_t size,
	const uint8_t root[32], emr_ledger_trouble *out_trouble, bool *out_was_damaged);
