/* This file reads the channel of a ledger into its file: each transaction that entered a batch
 * becomes the entry that everybody makes of it, is judged again, and is appended. It refuses a
 * backend that reads another channel, or shows another entry where the file has one. */
#include "embedded_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/network.h"

#define RUN_ITEMS 4096 /* of a transaction; one entry may have more */
#define NEAR_BLOCKS 16 /* behind the newest: parts come with their entries, else all at the end */

/* ---- one entry ---- */

typedef struct following {
	embedded *e;
	bool is_looking; /* only whether it is the channel of the file: EMR_EXISTS ends it */
	bool is_beside;	 /* only whether the file has all: EMR_AWAITED ends it */
	bool holds;	 /* write_lock; and a transaction in the file, IS_OPEN */
	bool is_open;
	uint64_t n;	  /* entries that were appended */
	size_t n_items;	  /* of the transaction */
	int64_t until_ns; /* as that of a call */
	char said[EMR_FABRIC_SAID_BYTES];
} following;

static void hold(following *f)
{
	if (!f->holds)
		(void)pthread_mutex_lock(&f->e->write_lock);
	f->holds = true;
}

/* Entries that came together stand in one transaction. */
static emr_status begin(following *f, bool is_near)
{
	emr_chain *chain = f->e->writer;

	hold(f);
	if (f->is_open)
		return EMR_OK;
	EMR_TRY(!is_near && emr_chain_has_room_for_many(chain) ? emr_chain_begin_many(chain)
							       : emr_chain_begin(chain));
	f->is_open = true;
	f->n_items = 0;
	return emr_chain_in_place(chain);
}

static emr_status end(following *f, emr_status status)
{
	if (f->is_open)
		status = emr_chain_end(f->e->writer, status);
	if (f->holds)
		(void)pthread_mutex_unlock(&f->e->write_lock);
	f->is_open = f->holds = false;
	return status;
}

static emr_status trouble(following *f, emr_status status, const char *said)
{
	(void)snprintf(f->said, sizeof f->said, "%s", said);
	return status;
}

/* A valid transaction is one of the contract, which takes nothing of another form. */
static bool read_batch(
	const emr_fabric_logged *logged, emr_bytes *out_batch, emr_header *out_header)
{
	size_t public_len;

	if (logged->n_args < 3 || logged->args[0].len != 32 || logged->args[1].len != 64 ||
		logged->args[2].len < EMR_HEADER_BYTES ||
		emr_header_parse((emr_span){logged->args[2].data, EMR_HEADER_BYTES}, out_header) !=
			EMR_CONTRACT_OK ||
		logged->answer.len != 1 + (size_t)out_header->count)
		return false;
	public_len = emr_batch_public_len(emr_span_of(logged->args[2]));
	*out_batch = emr_bytes_of(
		logged->args[2].data, public_len > 0 ? public_len : logged->args[2].len);
	return true;
}

static emr_status encode(emr_chain *chain, const emr_fabric_logged *logged, emr_bytes batch,
	uint64_t seq, emr_buf *out)
{
	emr_entry made = {.host = EMR_HOST_FABRIC,
		.count = (uint16_t)(logged->answer.len - 1),
		.seq = seq,
		.ledger_time_unix_s = logged->time,
		.block = logged->block,
		.tx = (uint32_t)logged->index,
		.results = {logged->answer.data + 1, logged->answer.len - 1}};

	EMR_TRY(emr_chain_leaf(chain, seq - 1, made.prev_entry));
	EMR_TRY(emr_buf_append_zeros(out, EMR_ENTRY_BYTES + logged->answer.len - 1));
	memcpy(made.submitter_id, logged->args[0].data, sizeof made.submitter_id);
	memcpy(made.header, batch.data, EMR_HEADER_BYTES);
	memcpy(made.submit_sig, logged->args[1].data, sizeof made.submit_sig);
	return emr_entry_encode(&made, out->data, out->len, &out->len) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* write_lock held.  EMR_EXISTS: the file has BYTES as entry SEQ. */
static emr_status compare(following *f, uint64_t seq, emr_bytes bytes)
{
	EMR_AUTO_BUF kept = {0};

	EMR_TRY(emr_chain_entry(f->e->writer, seq, &kept, NULL));
	return emr_bytes_equal(emr_buf_view(&kept), bytes)
		       ? EMR_EXISTS
		       : trouble(f, EMR_FORK, "the ledger has another entry there");
}

/* ENTRY for the file, which lacks it, or EMR_EXISTS: it is there already, as it is here. */
static emr_status place(following *f, const emr_fabric_logged *logged, emr_bytes batch,
	emr_buf *bytes, uint64_t *out_seq)
{
	emr_chain *chain = f->e->writer;
	uint8_t id[32];
	emr_status status, found;

	hold(f);
	emr_batch_id(batch.data, id);
	found = emr_chain_find_batch(chain, id, out_seq);
	if (found == EMR_NOT_FOUND)
		EMR_TRY(emr_chain_size(chain, out_seq));
	else if (found != EMR_OK)
		return found;
	status = encode(chain, logged, batch, *out_seq, bytes);
	if (status != EMR_OK || found != EMR_OK)
		return status == EMR_DAMAGED
			       ? trouble(f, EMR_DAMAGED, "an entry has not a result for each item")
			       : status;
	return compare(f, *out_seq, emr_buf_view(bytes));
}

static emr_status append(
	following *f, bool is_near, const emr_ledger_entry *entry, const emr_chain_parts *parts)
{
	emr_ledger_trouble found = {.status = EMR_OK};
	emr_status status = begin(f, is_near);

	if (status == EMR_OK)
		status = emr_chain_follow(
			f->e->writer, entry, NULL, parts->spans, NULL, NULL, &found);
	if (found.status != EMR_OK)
		return trouble(f, status, found.cause);
	return status == EMR_MISSING_DATA || status == EMR_OFFLINE
		       ? trouble(f, EMR_OFFLINE,
				 "a peer has still to bring what a registration is judged by")
		       : status;
}

/* It is judged by what is in its part, and in those of proposals before it. */
static bool is_registration(const emr_ledger_entry *entry, const emr_header *header)
{
	emr_item item;

	return header->count == 1 &&
	       emr_item_parse(emr_span_of(entry->items), &item) == EMR_CONTRACT_OK &&
	       (item.op == EMR_OP_KEY_REG || item.op == EMR_OP_KEY_CERT);
}

/* Behind many entries their parts come together, but for what a registration is judged by.  Nobody
 * waits for peers while the file is locked.  An entry that could not be appended with others is
 * tried alone: those before it stay. */
static emr_status take_entry(following *f, const emr_fabric_logged *logged,
	const emr_ledger_entry *entry, const emr_header *header)
{
	embedded *e = f->e;
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	const bool is_near = logged->block + NEAR_BLOCKS >= e->channel->place.height;
	const bool is_judged_by = is_registration(entry, header);
	bool is_left = false;
	emr_status status = EMR_OK;

	if (parts == NULL)
		return EMR_NO_MEMORY;
	if (is_near || is_judged_by || f->n_items + header->count > RUN_ITEMS ||
		atomic_load(&e->channel->is_stuck))
		EMR_TRY(end(f, EMR_OK));
	if (!is_near && is_judged_by)
		status = embedded_bring_lacking(e, &is_left);
	else if (is_judged_by) /* it may wait for one of them, which is seen below */
		(void)!embedded_tend_lacking(e);
	if (status == EMR_OK && (is_near || is_judged_by))
		status = emr_chain_parts_of(entry, embedded_fetch_peers, e, NULL, NULL, parts);
	/* Peers that give no parts now give them later; a registration is judged by its own. */
	if (emr_status_may_pass(status) && !is_judged_by)
		status = EMR_OK;
	if (status == EMR_OK)
		status = append(f, is_near, entry, parts);
	emr_chain_parts_free(parts);
	f->n += status == EMR_OK;
	f->n_items += header->count;
	return status;
}

/* It is the file's channel. */
static emr_status known_now(following *f)
{
	if (f->is_looking)
		return EMR_EXISTS;
	f->e->channel->is_known = true;
	return EMR_OK;
}

/* PLACED: whether the file has it. */
static emr_status take_placed(following *f, const emr_fabric_logged *logged, emr_status placed,
	const emr_ledger_entry *entry, const emr_header *header)
{
	if (placed == EMR_EXISTS)
		return known_now(f);
	if (placed != EMR_OK || f->is_beside)
		return placed != EMR_OK ? placed : EMR_AWAITED;
	if (f->is_looking || !f->e->channel->is_known)
		return trouble(f, EMR_FORK, "the channel has not the ledger's newest entry");
	return take_entry(f, logged, entry, header);
}

static emr_status take_batch(following *f, const emr_fabric_logged *logged)
{
	EMR_AUTO_BUF bytes = {0};
	emr_header header;
	emr_bytes batch;
	emr_ledger_entry entry = {.seq = 0};
	emr_status status;

	if (!read_batch(logged, &batch, &header))
		return trouble(
			f, EMR_DAMAGED, "a transaction has another form than the contract's");
	status = place(f, logged, batch, &bytes, &entry.seq);
	entry.entry = emr_buf_view(&bytes);
	entry.items = emr_bytes_of(batch.data + EMR_HEADER_BYTES, batch.len - EMR_HEADER_BYTES);
	return take_placed(f, logged, status, &entry, &header);
}

static emr_status take_logged(void *arg, const emr_fabric_logged *logged)
{
	following *f = arg;

	if (strcmp(logged->function, "register") == 0)
		return take_batch(f, logged);
	if (strcmp(logged->function, "genesis") != 0)
		return EMR_OK; /* a letter */
	if (logged->n_args != 1 ||
		!emr_bytes_equal(logged->args[0], emr_buf_view(&f->e->descriptor)))
		return trouble(f, EMR_FORK, "another network has begun in the channel");
	return known_now(f);
}

/* ---- the channel ---- */

/* Of the newest entry, which is read again to see that it is the same channel. */
static emr_status find_place(embedded *e, uint64_t *out_size, emr_fabric_place *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry newest;
	EMR_LOCKED(&e->read_lock);

	out->block = out->index = 0; /* and the genesis stays */
	EMR_TRY(emr_chain_size(e->reader, out_size));
	if (*out_size <= 1)
		return EMR_OK;
	EMR_TRY(emr_chain_parsed(e->reader, *out_size - 1, &bytes, &newest));
	out->block = newest.block;
	out->index = newest.tx;
	return EMR_OK;
}

static emr_status read_on(following *f, emr_fabric_place *place, unsigned wait_s)
{
	emr_fabric_call call = embedded_call(f->e, wait_s, f->until_ns);
	emr_status status;

	status = end(f, emr_fabric_log(f->e->channel->fabric, &call, place, take_logged, f));

	if (f->said[0] == '\0')
		(void)snprintf(f->said, sizeof f->said, "%s", call.said);
	/* It begins from block 0 again, and is behind what was read here before. */
	return status == EMR_INVALID ? EMR_OFFLINE : status;
}

emr_status embedded_meet(embedded *e, int64_t until_ns)
{
	following f = {.e = e, .is_looking = true, .until_ns = until_ns};
	emr_fabric_place place, newest = {.block = 0};
	uint64_t size;
	bool is_met, has_moved;
	emr_status status;

	(void)pthread_mutex_lock(&e->channel->known_lock);
	is_met = e->channel->is_met;
	(void)pthread_mutex_unlock(&e->channel->known_lock);
	if (is_met)
		return EMR_OK;
	EMR_TRY(find_place(e, &size, &newest));
	place = newest;
	status = read_on(&f, &place, 0);
	has_moved = place.block != newest.block || place.index != newest.index;
	if (status == EMR_OK) /* something else stands there, or nothing is there yet */
		status = trouble(&f, size > 1 && has_moved ? EMR_FORK : EMR_OFFLINE,
			"the channel has not the ledger's newest entry");
	if (status != EMR_EXISTS) {
		embedded_note_channel(e, status, f.said);
		return status;
	}
	EMR_LOCKED(&e->channel->known_lock);
	e->channel->is_met = true;
	return EMR_OK;
}

emr_status embedded_look_at_reader(embedded *e, int64_t until_ns)
{
	emr_fabric_call call = embedded_call(e, 0, until_ns);
	emr_fabric_state state = {.height = 0};
	emr_status status = emr_fabric_ask_state(e->channel->fabric, &call, &state);

	if (status == EMR_OK && state.is_stopped)
		status = EMR_OFFLINE;
	if (status == EMR_OK && atomic_load(&e->channel->is_stuck))
		return EMR_OK;
	embedded_note_channel(e, status,
		status == EMR_OK   ? ""
		: state.is_stopped ? state.said
				   : call.said);
	return status;
}

/* An entry may have erased parts. */
static void forget_purged(embedded *e)
{
	EMR_LOCKED(&e->write_lock);

	emr_chain_settle(e->writer);
	emr_chain_forget_log(e->writer);
}

/* It was read up to PLACE, by this process or another: that is all once the backend itself has no
 * more, and as much as most of its peers. */
static emr_status note_read(following *f, const emr_fabric_place *place)
{
	embedded_channel *c = f->e->channel;
	emr_fabric_call call = embedded_call(f->e, 0, 0);
	EMR_AUTO_FREE emr_fabric_state *state = calloc(1, sizeof *state);

	EMR_TRY(state != NULL ? emr_fabric_ask_state(c->fabric, &call, state) : EMR_NO_MEMORY);
	if (state->is_stopped || state->is_behind || state->height > place->block)
		return EMR_OK;
	if (unlinkat(f->e->dirfd, EMR_NETWORK_CHANNEL_BEHIND, 0) != 0 && errno != ENOENT)
		return emr_status_from_errno(errno);
	EMR_LOCKED(&c->known_lock);
	c->is_read = true;
	(void)pthread_cond_broadcast(&c->has_grown);
	return EMR_OK;
}

/* Until nothing new comes in time. */
static emr_status follow_all(following *f, unsigned wait_s)
{
	embedded_channel *c = f->e->channel;
	uint64_t size, n;
	emr_fabric_place before;

	if (!c->is_known)
		EMR_TRY(find_place(f->e, &size, &c->place));
	do {
		before = c->place;
		n = f->n;
		EMR_TRY(read_on(f, &c->place, wait_s));
		if (!c->is_known && size > 1 &&
			(c->place.block != before.block || c->place.index != before.index))
			return trouble(
				f, EMR_FORK, "the channel has not the ledger's newest entry");
		if (f->n > n) {
			embedded_expect_parts(f->e);
			embedded_note_channel(f->e, EMR_OK, "");
		}
		atomic_store(&c->is_stuck, false);
		wait_s = 0;
	} while (c->place.block < c->place.height);
	(void)pthread_mutex_lock(&c->known_lock);
	c->is_current = true;
	(void)pthread_cond_broadcast(&c->has_grown);
	(void)pthread_mutex_unlock(&c->known_lock);
	return c->is_read ? EMR_OK : note_read(f, &c->place);
}

/* Behind a fault another backend may be at that socket: its channel is met again, and the place is
 * that of the file's newest entry. */
static void forget_channel(embedded_channel *c)
{
	EMR_LOCKED(&c->known_lock);

	c->is_known = c->is_met = false;
}

emr_status embedded_follow(embedded *e, unsigned wait_s, bool is_beside)
{
	following f = {.e = e, .is_beside = is_beside};
	emr_status status = follow_all(&f, wait_s);

	if (f.n > 0)
		forget_purged(e);
	if (status == EMR_OK && !is_beside)
		status = embedded_tend_lacking(e);
	atomic_store(&e->channel->is_stuck, status != EMR_OK && status != EMR_AWAITED);
	if (is_beside)
		forget_channel(e->channel);
	if (status == EMR_AWAITED) /* by who follows */
		return status;
	if (status == EMR_OK)
		return f.n == 0 ? embedded_look_at_reader(e, 0) : EMR_OK;
	forget_channel(e->channel);
	embedded_note_channel(e, status, f.said[0] != '\0' ? f.said : emr_status_text(status));
	return status;
}
