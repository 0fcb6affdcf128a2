/* After a restart of the ledger's host that took entries away, this file makes this computer's copy
 * again beside the old one, signs what was its own among them once more, and puts the new copy in
 * the old one's place. A process that is killed anywhere in between leaves the old copy, or the new
 * one, and the next goes on. */
#include "replica_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "contract/contract.h"
#include "ledger/batch.h"

/* ---- the new copy ---- */

static emr_status open_next(emr_replica *r, emr_replica **out)
{
	emr_replica_options options = {.ledger = r->ledger,
		.clock = r->clock,
		.is_mine = r->is_mine,
		.is_mine_arg = r->is_mine_arg};
	EMR_AUTO_FD fd = -1;

	EMR_TRY(emr_dir_make(r->dirfd, REPLICA_NEXT));
	fd = openat(r->dirfd, REPLICA_NEXT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return EMR_IO;
	options.state_dirfd = fd;
	return emr_replica_open(&options, out);
}

/* It goes on where the restart says, and nowhere else. */
static emr_status check_next(const emr_replica *next, const emr_known_restart *restart)
{
	uint8_t root[32];
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(next->writer, &size));
	if (size < restart->size)
		return EMR_ROLLBACK;
	EMR_TRY(emr_chain_root(next->writer, restart->size, root));
	return memcmp(root, restart->root, sizeof root) == 0 ? EMR_OK : EMR_FORK;
}

/* ---- signing again ---- */

typedef enum again_pass { URGENT, ALL, LOST, PASSES } again_pass;

typedef struct again {
	emr_replica *replica, *next;
	const emr_signing_again *how;
	emr_id32 me;
	emr_opened_entry *o; /* the entry in hand */
	emr_chain_parts parts;
	bool picked[EMR_BATCH_COUNT_MAX]; /* of its items */
	emr_item item;			  /* in hand */
	emr_span pub;			  /* its own */
	emr_buf lacking;		  /* for REPLICA_LACKING */
} again;

static void again_free(again **a)
{
	if (*a == NULL)
		return;
	emr_opened_entry_free(&(*a)->o);
	emr_chain_parts_free(&(*a)->parts);
	emr_buf_free(&(*a)->lacking);
	free(*a);
}

bool emr_replica_is_urgent(uint8_t op)
{
	return op == EMR_OP_REVOKE || op == EMR_OP_KEY_REVOKE || op == EMR_OP_CERT_REVOKE ||
	       op == EMR_OP_ENROL_REVOKE || op == EMR_OP_WRITER_DEL || op == EMR_OP_DATASET_DROP ||
	       op == EMR_OP_DATASET_LEAVE || op == EMR_OP_UNLINK || op == EMR_OP_ERASE ||
	       op == EMR_OP_RECOVER_CANCEL;
}

/* It was applied, and has not come back. */
static bool is_gone(again *a, uint16_t index, emr_replica_change *out)
{
	uint64_t seq;
	uint16_t at;

	emr_batch_item_at(&a->o->batch, index, &a->item, &a->pub);
	replica_change_of(&a->o->entry, &a->o->batch, index, out);
	return out->result == EMR_RESULT_APPLIED && !emr_op_is_prompt(out->op) &&
	       emr_chain_find_item(a->next->writer, out->item_id.b, &seq, &at) != EMR_OK;
}

/* A part that is nowhere, of a folder whose parts are kept here, was destroyed since. */
static bool has_part(const again *a, size_t index)
{
	return a->item.priv_len == 0 || a->o->batch.items[index].part.data != NULL;
}

/* A removal that was refused before there was something to remove is handed in again behind that.
 * The newest entry, which is named, makes it another batch: the same one gets the answer that it
 * got. */
static emr_status hand_in(again *a)
{
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_batch_options options = {
		.keyring = a->how->keyring, .net_id = emr_ledger_net_id(a->next->ledger)};
	emr_replica_position at;
	emr_status status;

	EMR_TRY(answer == NULL ? EMR_NO_MEMORY : emr_replica_at(a->next, &at));
	options.seen_seq = at.size - 1;
	options.seen_leaf = at.last_leaf;
	status = emr_batch_again(
		&options, &a->o->batch, a->picked, emr_clock_unix_s(a->next->clock), &batch);
	/* Nothing of it is left to do, or a key that this keyring has not got any more signed it.
	 */
	if (status == EMR_NOT_FOUND || status == EMR_DENIED)
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_ledger_submit(a->next->ledger, emr_buf_view(&batch), answer);
	return status == EMR_OK ? emr_follow_answer(a->next, emr_buf_view(&batch), answer) : status;
}

static emr_status tell_lost(again *a, uint16_t index, const emr_replica_change *change)
{
	emr_key_text key = {.text = {0}};
	bool is_mine = false;

	/* A certificate has no row that would be in force. */
	if (emr_replica_is_urgent(change->op) && change->op != EMR_OP_CERT_REVOKE &&
		change->op != EMR_OP_ENROL_REVOKE && emr_contract_row_key(&a->item, a->pub, &key))
		EMR_TRY(emr_buf_append(&a->lacking, &key, sizeof key));
	if (!has_part(a, index))
		EMR_TRY(emr_replica_is_mine(a->replica, change->domain, &is_mine));
	return is_mine || a->how->lost == NULL
		       ? EMR_OK
		       : emr_buf_append(a->how->lost, change, sizeof *change);
}

static emr_status open_own(again *a, uint64_t seq)
{
	emr_ledger_entry entry = {.seq = seq};

	EMR_TRY(emr_chain_open_entry(a->replica->writer, seq, true, a->o));
	entry.entry = emr_buf_view(&a->o->bytes);
	entry.items = emr_buf_view(&a->o->items);
	EMR_TRY(emr_chain_parts_of(
		&entry, emr_chain_fetch, a->replica->writer, NULL, NULL, &a->parts));
	for (size_t i = 0; i < a->o->batch.count; i++)
		a->o->batch.items[i].part = a->parts.spans[i];
	return EMR_OK;
}

static emr_status take_entry(again *a, uint64_t seq, again_pass pass)
{
	EMR_TRY(open_own(a, seq));
	if (memcmp(a->o->entry.submitter_id, a->me.b, sizeof a->me.b) != 0)
		return EMR_OK;
	for (uint16_t i = 0; i < a->o->batch.count; i++) {
		emr_replica_change change;
		const bool gone = is_gone(a, i, &change);

		a->picked[i] =
			gone && has_part(a, i) && (pass == ALL || emr_replica_is_urgent(change.op));
		if (gone && pass == LOST)
			EMR_TRY(tell_lost(a, i, &change));
	}
	return pass == LOST ? EMR_OK : hand_in(a);
}

static emr_status sign_again(
	emr_replica *replica, emr_replica *next, uint64_t from, const emr_signing_again *how)
{
	__attribute__((cleanup(again_free))) again *a = calloc(1, sizeof *a);
	emr_public me;
	uint64_t size = 0;

	if (a == NULL || (a->o = calloc(1, sizeof *a->o)) == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(emr_keyring_public(how->keyring, &me));
	a->me = me.signer_id;
	a->replica = replica;
	a->next = next;
	a->how = how;
	EMR_TRY(emr_chain_size(replica->writer, &size));
	for (again_pass pass = URGENT; pass < PASSES; pass++)
		for (uint64_t seq = from; seq < size; seq++)
			EMR_TRY(take_entry(a, seq, pass));
	if (a->lacking.len > 0)
		EMR_TRY(emr_file_replace(
			replica->dirfd, REPLICA_LACKING, emr_buf_view(&a->lacking), 0600));
	return how->then != NULL ? how->then(how->arg, next) : EMR_OK;
}

/* The old copy neither follows nor changes any more. */
static emr_status follow_next(emr_replica *replica, emr_replica **out_next, uint64_t *out_from)
{
	emr_known_restart last;

	if (emr_replica_restarts(replica, &last, 1) == 0 || last.state != EMR_RESTART_WAITS)
		return EMR_NOT_FOUND;
	*out_from = last.size;
	EMR_TRY(open_next(replica, out_next));
	(*out_next)->heads.restarts.former = replica->writer;
	(*out_next)->heads.restarts.is_bad = true; /* which there are, the old one knows */
	EMR_TRY(emr_replica_catch_up(*out_next, NULL, NULL, NULL));
	return check_next(*out_next, &last);
}

/* Since NEXT was begun the host has lost entries once more. */
static emr_status begin_again(emr_replica *replica, emr_replica **next)
{
	static const char *const names[] = {REPLICA_NEXT "/" REPLICA_DB,
		REPLICA_NEXT "/" REPLICA_DB "-wal", REPLICA_NEXT "/" REPLICA_DB "-shm",
		REPLICA_NEXT "/replica.hw"};

	emr_replica_close(*next);
	*next = NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlinkat(replica->dirfd, names[i], 0);
	return replica_ask_again(replica);
}

emr_status emr_replica_go_on(emr_replica *replica, const emr_signing_again *signing)
{
	EMR_AUTO_REPLICA next = NULL;
	uint64_t from = 0;
	emr_status status = follow_next(replica, &next, &from);

	if (status == EMR_DAMAGED || emr_status_kind_of(status) == EMR_KIND_FORK) {
		EMR_TRY(begin_again(replica, &next));
		status = follow_next(replica, &next, &from);
	}
	EMR_TRY(status);
	EMR_TRY(sign_again(replica, next, from, signing));
	emr_replica_close(next); /* with its mark, and its log in its file */
	next = NULL;
	EMR_LOCKED(&replica->write_lock);
	return replica_restart_is(replica, EMR_RESTART_MADE);
}

bool emr_replica_knows_restarts(emr_replica *replica)
{
	known_restarts *all = &replica->heads.restarts;

	all->is_asked = false;
	return emr_follow_now(replica) == EMR_OK && all->is_asked && !all->is_bad;
}
