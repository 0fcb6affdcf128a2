/* This file is a ledger on Fabric as every part of emrfs sees it: opened, read, waited for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ledger/network.h"
#include "host_private.h"

#define TIMEOUT_MS 60000u
#define LOOK_NS INT64_C(1000000000)
#define LOOK_MS                                                                                    \
	5000	     /* that a look may take; behind the first one, which may take as long as any  \
		      */
#define SOON_MS 1000 /* that somebody waits who only wants to know what is known */
#define NOTHING_MS                                                                                 \
	1000 /* between two looks while the gateway is away, or says what does not come */

/* ---- reading ---- */

/* How it is, as far as is known without asking. */
static emr_ledger_absence known_absence(fabric_host *h)
{
	const emr_clock *clock = emr_clock_system();
	int64_t silent_ns, asked_ago_ns;
	EMR_LOCKED(&h->known_lock);

	/* For as long as whoever waits for more may take; nobody may. */
	asked_ago_ns = emr_clock_boot_ns(clock) - h->asked_ns;
	if (h->is_hurried && h->away_unix_s != 0 && asked_ago_ns < INT64_C(1000000) * h->timeout_ms)
		return (emr_ledger_absence){
			.status = EMR_OFFLINE, .since_unix_s = h->away_unix_s, .is_asked = true};
	silent_ns = h->asking_ns > 0 ? emr_clock_boot_ns(clock) - h->asking_ns : 0;
	if (h->last == EMR_OK && silent_ns >= INT64_C(1000000) * LOOK_MS)
		return (emr_ledger_absence){/* Which the one who asks finds out later. */
			.status = emr_ledger_absence_of(EMR_TIMEOUT),
			.since_unix_s =
				emr_clock_unix_s(clock) - (uint64_t)(silent_ns / 1000000000)};
	if (h->last == EMR_OK)
		return (emr_ledger_absence){
			.status = EMR_OK, .sent_refusal = h->sent_refusal, .unsent = h->unsent};
	return (emr_ledger_absence){.status = emr_ledger_absence_of(h->last),
		.since_unix_s = h->away_unix_s,
		.refusal = emr_status_is_away(h->last) ? NULL : emr_gateway_fault_name(h->fault)};
}

/* The holder of the lock reads blocks, or waits for a gateway that says nothing: EMR_BUSY, or the
 * state as it is known. */
static emr_status hold_for(fabric_host *h, uint32_t most_ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += most_ms / 1000;
	if (pthread_mutex_clocklock(&h->lock, CLOCK_MONOTONIC, &until) == 0)
		return EMR_OK;
	EMR_TRY(known_absence(h).status);
	return EMR_BUSY;
}

/* Lock held. */
static uint32_t look_ms(fabric_host *h)
{
	EMR_LOCKED(&h->known_lock);

	if (h->asked_ns != 0)
		return LOOK_MS;
	return h->is_hurried ? HOST_MOMENT_MS : h->timeout_ms;
}

/* Lock held. If the previous holder found the gateways silent after BEGUN_NS, that is returned: two
 * callers do not wait for it one after the other. */
static emr_status heard_since(fabric_host *h, int64_t begun_ns)
{
	return h->asked_ns >= begun_ns ? known_absence(h).status : EMR_OK;
}

/* It is told how it is, as by host_look, and so in as little time. */
static emr_status host_size(void *self, uint64_t *out_size)
{
	fabric_host *h = self;
	int64_t begun_ns = emr_clock_boot_ns(emr_clock_system());
	emr_status status;

	EMR_TRY(known_absence(h).is_asked ? EMR_OFFLINE : hold_for(h, LOOK_MS));
	status = heard_since(h, begun_ns);
	if (status == EMR_OK)
		status = host_follow_for(h, look_ms(h), h->stop_fd);
	if (status == EMR_OK)
		status = emr_chain_size(h->chain, out_size);
	(void)pthread_mutex_unlock(&h->lock);
	return status;
}

/* EMR_NOT_FOUND: there are not so many. */
static emr_status read_entry(fabric_host *h, uint64_t seq, emr_buf *entry, emr_buf *items)
{
	uint64_t size = 0;
	EMR_LOCKED(&h->lock);

	EMR_TRY(emr_chain_size(h->chain, &size));
	if (seq >= size)
		return EMR_NOT_FOUND;
	return emr_required(emr_chain_entry(h->chain, seq, entry, items));
}

static emr_status host_entries(
	void *self, uint64_t from, size_t max, emr_ledger_entry_fn fn, void *arg, size_t *out_n)
{
	EMR_AUTO_BUF entry = {0};
	EMR_AUTO_BUF items = {0};

	for (*out_n = 0; *out_n < max; ++*out_n) {
		emr_ledger_entry told = {.seq = from + *out_n};
		emr_status status = read_entry(self, told.seq, &entry, &items);

		if (status == EMR_NOT_FOUND)
			return EMR_OK;
		EMR_TRY(status);
		told.entry = emr_buf_view(&entry);
		told.items = emr_buf_view(&items);
		EMR_TRY(fn(arg, &told));
	}
	return EMR_OK;
}

static emr_status host_find_item(
	void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index)
{
	fabric_host *h = self;
	EMR_LOCKED(&h->lock);

	return emr_chain_find_item(h->chain, item_id.b, out_seq, out_index);
}

static emr_status host_subtree(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32])
{
	fabric_host *h = self;
	EMR_LOCKED(&h->lock);

	return emr_chain_subtree(h->chain, level, index, out_hash);
}

/* ---- a checkpoint of one's own ---- */

static emr_status host_note(void *self, emr_buf *out_note)
{
	fabric_host *h = self;
	emr_status status;

	EMR_TRY(hold_for(h, SOON_MS));
	status = emr_chain_note(h->chain, out_note);
	(void)pthread_mutex_unlock(&h->lock);
	return status;
}

static emr_status host_replace_note(void *self, emr_bytes old_note, emr_bytes note)
{
	fabric_host *h = self;
	EMR_LOCKED(&h->lock);

	return emr_chain_replace_note(h->chain, old_note, note);
}

/* ---- waiting ---- */

static emr_status end_at_block(void *arg, const emr_gateway_event *event)
{
	uint64_t *block = arg;

	*block = event->block;
	return EMR_EXISTS; /* it has come: the stream has done its work */
}

static bool take_wake(const fabric_host *h)
{
	eventfd_t ignored;

	return eventfd_read(h->wake_fd, &ignored) == 0;
}

static emr_status pause_or_wake(const fabric_host *h, uint32_t left_ms)
{
	struct pollfd wake = {.fd = h->wake_fd, .events = POLLIN};

	if (poll(&wake, 1, left_ms < NOTHING_MS ? (int)left_ms : NOTHING_MS) > 0)
		return take_wake(h) ? EMR_INTERRUPTED : EMR_OK;
	return EMR_OK;
}

/* EMR_OK: look again. */
static emr_status wait_for_event(fabric_host *h, uint64_t from_block, uint32_t left_ms)
{
	emr_gateway_call call = emr_gateway_call_of(left_ms, h->wake_fd);
	uint64_t block = 0;
	emr_gateway *gateway = NULL;
	emr_status status = host_line(h, &gateway);

	if (status == EMR_OK)
		status = emr_gateway_events(gateway, &call, from_block, end_at_block, &block);

	if (status == EMR_INTERRUPTED)
		return take_wake(h) ? EMR_INTERRUPTED : EMR_OK;
	if (status == EMR_EXISTS || status == EMR_TIMEOUT)
		return EMR_OK;
	status = host_status(&call, status);
	if (!emr_status_may_pass(status))
		return status;
	return pause_or_wake(h, left_ms);
}

/* Follows, unless somebody ends the waiting meanwhile. */
static emr_status look_once(fabric_host *h, uint64_t *out_size, uint64_t *out_next_block)
{
	emr_status status;
	EMR_LOCKED(&h->lock);

	status = host_follow(h, h->wake_fd);
	*out_next_block = h->position.next_block;
	return status == EMR_OK ? emr_chain_size(h->chain, out_size) : status;
}

static emr_status host_wait(void *self, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	fabric_host *h = self;
	const emr_clock *clock = emr_clock_system();
	int64_t end_ns = emr_clock_boot_ns(clock) + (int64_t)timeout_ms * 1000000;
	uint64_t told_block = UINT64_MAX; /* something was said to be in it, or behind it */

	for (;;) {
		uint64_t size = 0, next_block = 0;
		int64_t left_ms, due_ns;
		emr_status status = look_once(h, &size, &next_block);

		if (status == EMR_OK && size > since) {
			*out_size = size;
			return EMR_OK;
		}
		left_ms = (end_ns - emr_clock_boot_ns(clock)) / 1000000;
		if (status == EMR_INTERRUPTED) {
			(void)take_wake(h);
			return status;
		}
		if (status != EMR_OK && !emr_status_may_pass(status))
			return status;
		if (left_ms <= 0)
			return status == EMR_OK ? EMR_TIMEOUT : status;
		due_ns = host_tend_lacking(h);
		if (due_ns < end_ns) {
			int64_t until_ms = (due_ns - emr_clock_boot_ns(clock)) / 1000000 + 1;

			left_ms = until_ms < 1 ? 1 : until_ms < left_ms ? until_ms : left_ms;
		}
		/* It is said again at once, and did not come: the next look is not worth more. */
		if (told_block == next_block)
			status = pause_or_wake(h, (uint32_t)left_ms);
		else
			status = wait_for_event(h, next_block, (uint32_t)left_ms);
		told_block = told_block == next_block ? UINT64_MAX : next_block;
		if (status != EMR_OK)
			return status;
	}
}

/* These two fail only when what they tell is pending already. */
static void host_wake(void *self)
{
	(void)eventfd_write(((const fabric_host *)self)->wake_fd, 1);
}

static void host_stop(void *self)
{
	(void)eventfd_write(((const fabric_host *)self)->stop_fd, 1);
}

static void orderers_free(emr_gateway_orderers **orderers)
{
	emr_gateway_orderers_free(*orderers);
}

/* A fault of no entry: it is of a block, or of the peer that brings it. */
static void note_trouble(
	emr_ledger_trouble *out, emr_status status, const emr_gateway_call *call, emr_chain *truth)
{
	out->status = status;
	if (truth == NULL ||
		(call->fault != EMR_GATEWAY_LIE && call->fault != EMR_GATEWAY_OTHER_CHANNEL))
		return;
	(void)emr_chain_size(truth, &out->seq);
	(void)snprintf(
		out->cause, sizeof out->cause, "%.*s", (int)sizeof out->cause - 1, call->said);
}

/* Blocks up to UNTIL, behind which TRUTH is as long as the log was when it had so many. */
static emr_status observe_until(fabric_host *h, emr_gateway_call *call, uint64_t until,
	emr_chain *truth, emr_gateway_position *position, emr_ledger_trouble *trouble)
{
	emr_gateway *gateway = NULL;
	emr_status status = host_line(h, &gateway);

	if (status == EMR_ROLLBACK || (status == EMR_OK && position->next_block < until))
		status = host_status(call,
			emr_observe(gateway, call, truth, emr_buf_view(&h->descriptor), position,
				(size_t)(until - position->next_block), NULL, trouble));
	/* The one that is asked now is behind, also behind what was just read: that passes. */
	if (status == EMR_ROLLBACK || (status == EMR_OK && position->next_block < until))
		status = EMR_OFFLINE;
	return status;
}

static emr_status follow_to(fabric_host *h, uint64_t *out_next_block)
{
	emr_status status;
	EMR_LOCKED(&h->lock);

	status = host_follow(h, h->stop_fd);
	*out_next_block = h->position.next_block;
	return status;
}

/* The first block alone, and whether anybody has said which it is. */
static emr_status observe_genesis(fabric_host *h, emr_gateway_call *call, emr_chain *truth,
	emr_gateway_position *position, emr_ledger_genesis *out, emr_ledger_trouble *trouble)
{
	emr_gateway *gateway = NULL;

	EMR_TRY(observe_until(h, call, 1, truth, position, trouble));
	EMR_TRY(host_line(h, &gateway));
	out->is_pinned = gateway->has_genesis;
	memcpy(out->hash, position->hash, sizeof out->hash);
	return EMR_OK;
}

/* READ was read again, and is as far as what was followed: by other blocks, somebody has exchanged
 * the channel since this computer saw its beginning. */
static emr_status compare_blocks(
	const fabric_host *h, const emr_gateway_position *read, emr_ledger_trouble *out)
{
	if (memcmp(read->hash, h->position.hash, sizeof h->position.hash) == 0)
		return EMR_OK;
	*out = (emr_ledger_trouble){.status = EMR_FORK};
	(void)emr_chain_size(h->chain, &out->seq);
	(void)snprintf(out->cause, sizeof out->cause, "other blocks than were read before");
	return EMR_FORK;
}

/* Observes everything once more, from the first block on, and compares.  Nobody waits for that but
 * for what came meanwhile. */
static emr_status host_verify(void *self, emr_ledger_trouble *out_trouble)
{
	fabric_host *h = self;
	EMR_AUTO_CHAIN truth = NULL;
	__attribute__((cleanup(orderers_free))) emr_gateway_orderers *orderers =
		emr_gateway_orderers_new();
	emr_gateway_call call = emr_gateway_call_of(h->timeout_ms, h->stop_fd);
	emr_gateway_position position = {0};
	emr_ledger_genesis genesis = {.is_pinned = false};
	uint64_t until = 0;
	emr_status status = orderers != NULL ? emr_chain_open_temporary(&truth) : EMR_NO_MEMORY;

	call.orderers = orderers;
	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	if (status == EMR_OK)
		status = follow_to(h, &until);
	if (status == EMR_OK)
		status = observe_genesis(h, &call, truth, &position, &genesis, out_trouble);
	if (status == EMR_OK)
		status = observe_until(h, &call, until, truth, &position, out_trouble);
	EMR_LOCKED(&h->lock);
	if (status == EMR_OK)
		status = observe_until(
			h, &call, h->position.next_block, truth, &position, out_trouble);
	if (status == EMR_OK)
		status = compare_blocks(h, &position, out_trouble);
	if (status == EMR_OK)
		status = host_fill_from(h, truth);
	if (status == EMR_OK)
		status = emr_chain_compare(truth, h->chain, false, out_trouble);
	out_trouble->is_ordered = status == EMR_OK && emr_gateway_orderers_have_signed(orderers);
	h->has_genesis = status == EMR_OK;
	h->genesis = genesis;
	if (status != EMR_OK && out_trouble->status == EMR_OK)
		note_trouble(out_trouble, status, &call, truth);
	return status;
}

static emr_status host_genesis(void *self, emr_ledger_genesis *out_genesis)
{
	fabric_host *h = self;
	EMR_LOCKED(&h->lock);

	if (!h->has_genesis)
		return EMR_NOT_FOUND;
	*out_genesis = h->genesis;
	return EMR_OK;
}

static emr_status host_doubt(void *self, emr_ledger_doubt *out_doubt)
{
	emr_gateway *gateway = NULL;

	EMR_TRY(host_line(self, &gateway));
	return gateway_doubted(gateway, out_doubt);
}

/* Asked again when the last answer is a second old. Entries that are known here stay readable
 * meanwhile. The holder of the lock may be waiting for a gateway that says nothing; a caller that
 * only wants the state does not wait with it. */
static void look_again(fabric_host *h)
{
	if (known_absence(h).is_asked || pthread_mutex_trylock(&h->lock) != 0)
		return;
	if (h->asked_ns == 0 || emr_clock_boot_ns(emr_clock_system()) - h->asked_ns >= LOOK_NS)
		(void)host_follow_for(h, look_ms(h), h->stop_fd);
	(void)pthread_mutex_unlock(&h->lock);
}

static void host_look(void *self, emr_ledger_absence *out_absence)
{
	fabric_host *h = self;

	look_again(h);
	*out_absence = known_absence(h);
}

static void host_hurry(void *self)
{
	fabric_host *h = self;
	EMR_LOCKED(&h->known_lock);

	h->is_hurried = h->asked_ns == 0;
}

static void host_close(void *self)
{
	fabric_host *h = self;

	if (h->chain != NULL)
		host_keep_position(h);
	emr_chain_close(h->chain);
	emr_buf_free(&h->descriptor);
	host_renewal_free(&h->renewal);
	if (h->wake_fd >= 0 && !h->is_wake_lent)
		(void)close(h->wake_fd);
	if (h->stop_fd >= 0 && !h->is_stop_lent)
		(void)close(h->stop_fd);
	if (h->line_free != NULL)
		h->line_free(h->line_arg);
	if (h->dirfd >= 0)
		(void)close(h->dirfd);
	(void)pthread_mutex_destroy(&h->known_lock);
	(void)pthread_mutex_destroy(&h->submit_lock);
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

/* Also what began in a directory. */
static bool host_is_of_channel(void *self)
{
	(void)self;
	return true;
}

static const emr_ledger_backend backend = {
	.close = host_close,
	.submit = host_submit,
	.renew = host_renew,
	.size = host_size,
	.entries = host_entries,
	.fetch = host_fetch,
	.find_item = host_find_item,
	.subtree = host_subtree,
	.note = host_note,
	.replace_note = host_replace_note,
	.wait = host_wait,
	.wake = host_wake,
	.stop = host_stop,
	.verify = host_verify,
	.genesis = host_genesis,
	.doubt = host_doubt,
	.look = host_look,
	.hurry = host_hurry,
	.is_of_channel = host_is_of_channel,
};

/* ---- opening ---- */

static emr_status fill(fabric_host *h, const emr_host_options *options)
{
	emr_public facts;
	emr_status status =
		emr_buf_append(&h->descriptor, options->descriptor.data, options->descriptor.len);

	h->dirfd = fcntl(options->dirfd, F_DUPFD_CLOEXEC, 0);
	if (!h->is_wake_lent)
		h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!h->is_stop_lent)
		h->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (status != EMR_OK || h->dirfd < 0 || h->wake_fd < 0 || h->stop_fd < 0)
		return status != EMR_OK ? status : emr_status_from_errno(errno);
	if (options->submitter != NULL) {
		status = emr_keyring_public(options->submitter, &facts);
		h->submitter_id = facts.signer_id;
	}
	if (status == EMR_OK)
		status = emr_chain_open(
			h->dirfd, EMR_NETWORK_LOG, EMR_CHAIN_PRIVATE, true, TIMEOUT_MS, &h->chain);
	if (status == EMR_OK)
		host_find_position(h);
	return status;
}

emr_status emr_host_open(const emr_host_options *options, emr_ledger **out_ledger)
{
	fabric_host *h = calloc(1, sizeof *h);
	emr_status status;

	if (h == NULL) {
		if (options->line_free != NULL)
			options->line_free(options->line_arg);
		return EMR_NO_MEMORY;
	}
	h->dirfd = -1;
	h->is_stop_lent = options->stop_fd > 0;
	h->stop_fd = h->is_stop_lent ? options->stop_fd : -1;
	h->is_wake_lent = options->wake_fd > 0;
	h->wake_fd = h->is_wake_lent ? options->wake_fd : -1;
	h->gateway = options->gateway;
	h->line = options->line;
	h->line_free = options->line_free;
	h->line_arg = options->line_arg;
	h->submitter = options->submitter;
	h->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	(void)pthread_mutex_init(&h->submit_lock, NULL);
	(void)pthread_mutex_init(&h->known_lock, NULL);
	(void)pthread_mutex_init(&h->lock, NULL);
	status = fill(h, options);
	if (status != EMR_OK) {
		host_close(h);
		return status;
	}
	return emr_ledger_over(&backend, h, options->descriptor, out_ledger);
}
