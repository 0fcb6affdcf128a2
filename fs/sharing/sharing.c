/* This file takes orders to give and to take back, writes them down before it answers, and runs
 * the clerk's thread that does them one after the other. The same wish typed twice is one order,
 * and taking back also removes orders that still wait. In the same list are shares that wait for
 * somebody's yes: one of them gets one answer here. */
#include "sharing/sharing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/worker.h"
#include "contract/codes.h"
#include "kit/language.h"
#include "share/give.h"
#include "share/request.h"
#include "share/write.h"

/* ---- orders ---- */

struct emr_sharing {
	emr_worker worker; /* the clerk */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an order came, went or failed, or the end */
	emr_session *session;
	emr_notices *notices;
	emr_orders orders; /* under lock, as all below */
	emr_heard heard;
	uint64_t changes;
	uint64_t running; /* number of the order that the clerk has in hand; 0 = none */
	int64_t due_boot_ns[EMR_ORDERS_MAX]; /* of orders.list: not before */
	int64_t pause_ns[EMR_ORDERS_MAX];
	bool may_stand[EMR_ORDERS_MAX]; /* something of it, on the ledger, whatever the answer to a
					   try was */
	bool stop;
};

/* The facts that are found before anything is sent. */
static bool was_never_sent(emr_status status, uint8_t code)
{
	return code == EMR_RESULT_APPLIED &&
	       (status == EMR_NOT_FOUND || status == EMR_DENIED || status == EMR_INVALID ||
		       status == EMR_EXISTS || status == EMR_UNSUPPORTED);
}

emr_status emr_sharing_new(emr_session *session, emr_notices *notices, emr_sharing **out_sharing)
{
	emr_sharing *sharing = calloc(1, sizeof *sharing);
	emr_status status;

	if (sharing == NULL)
		return EMR_NO_MEMORY;
	sharing->session = session;
	sharing->notices = notices;
	status = emr_orders_load(session->keyring, session->state_fd, &sharing->orders);
	for (size_t i = 0; status == EMR_OK && i < sharing->orders.n; i++) {
		const emr_order *o = &sharing->orders.list[i];

		/* By a mount that may have ended in the middle of it. */
		sharing->may_stand[i] =
			!o->has_failed || !was_never_sent((emr_status)o->failure, o->code);
	}
	if (status != EMR_OK) {
		free(sharing);
		return status;
	}
	pthread_mutex_init(&sharing->lock, NULL);
	emr_cond_init(&sharing->changed);
	emr_worker_init(&sharing->worker);
	*out_sharing = sharing;
	return EMR_OK;
}

emr_status emr_sharing_hear(emr_sharing *sharing)
{
	emr_heard heard;

	if (sharing == NULL)
		return EMR_NOT_FOUND;
	emr_sharing_heard(sharing, &heard);
	EMR_TRY(emr_heard_look(sharing->session->ledger, sharing->session->replica,
		emr_clock_unix_s(emr_clock_system()), &heard));
	pthread_mutex_lock(&sharing->lock);
	sharing->heard = heard;
	pthread_mutex_unlock(&sharing->lock);
	return EMR_OK;
}

void emr_sharing_heard(emr_sharing *sharing, emr_heard *out)
{
	*out = (emr_heard){.n = 0};
	if (sharing == NULL)
		return;
	pthread_mutex_lock(&sharing->lock);
	*out = sharing->heard;
	pthread_mutex_unlock(&sharing->lock);
}

void emr_sharing_free(emr_sharing *sharing)
{
	if (sharing == NULL)
		return;
	emr_orders_free(&sharing->orders);
	emr_worker_free(&sharing->worker);
	pthread_cond_destroy(&sharing->changed);
	pthread_mutex_destroy(&sharing->lock);
	free(sharing);
}

/* Under the lock, as the next ones.  The times of the orders behind it move with them. */
static void drop(emr_sharing *sharing, uint64_t number)
{
	const emr_order *o = emr_orders_find(&sharing->orders, number);
	size_t at, rest;

	if (o == NULL)
		return;
	at = (size_t)(o - sharing->orders.list);
	rest = sharing->orders.n - at - 1;
	memmove(&sharing->due_boot_ns[at], &sharing->due_boot_ns[at + 1],
		rest * sizeof *sharing->due_boot_ns);
	memmove(&sharing->pause_ns[at], &sharing->pause_ns[at + 1],
		rest * sizeof *sharing->pause_ns);
	memmove(&sharing->may_stand[at], &sharing->may_stand[at + 1],
		rest * sizeof *sharing->may_stand);
	emr_orders_drop(&sharing->orders, number);
}

static emr_status save(emr_sharing *sharing)
{
	return emr_orders_save(
		sharing->session->keyring, sharing->session->state_fd, &sharing->orders);
}

static emr_status add_order(emr_sharing *sharing, emr_order *order)
{
	emr_status status;

	EMR_TRY(emr_orders_add(&sharing->orders, order));
	sharing->due_boot_ns[sharing->orders.n - 1] = sharing->pause_ns[sharing->orders.n - 1] = 0;
	sharing->may_stand[sharing->orders.n - 1] = false;
	status = save(sharing);
	if (status != EMR_OK)
		drop(sharing, order->number);
	return status;
}

static bool is_about(const emr_order *o, emr_id16 domain, emr_id32 root)
{
	return emr_id16_equal(o->domain, domain) && emr_id32_equal(o->root, root);
}

/* Ends that were typed twice are apart as those are: 30d is counted from now. */
#define TYPED_TWICE_S 3600

static bool is_same_end(uint64_t a, uint64_t b)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system()), left = a > now ? a - now : 0;
	uint64_t apart = a > b ? a - b : b - a;
	return apart <= (left / 100 < TYPED_TWICE_S ? left / 100 : TYPED_TWICE_S);
}

static bool is_same_wish(const emr_order *a, const emr_order *b)
{
	return a->kind == b->kind && is_about(a, b->domain, b->root) && a->rights == b->rights &&
	       a->purposes == b->purposes && is_same_end(a->until_unix_s, b->until_unix_s) &&
	       a->replaces == b->replaces && emr_id16_equal(a->request, b->request) &&
	       strcmp(a->reason, b->reason) == 0;
}

/* Under the lock: those who wait look again, and the clerk. */
static void announce(emr_sharing *sharing)
{
	sharing->changes++;
	pthread_cond_broadcast(&sharing->changed);
	emr_worker_wake(&sharing->worker);
}

typedef struct living {
	emr_id32 root;
	const emr_order *wanted; /* NULL: whatever there is */
	size_t n;		 /* that are not over */
	bool is_wanted;		 /* one of them is as WANTED says */
} living;

static emr_status note_living(emr_share *share, living *l, const emr_given *given)
{
	const emr_row_grant *row = &given->grant.row;

	if (memcmp(row->grantee, l->root.b, 32) != 0 || !emr_phase_stands(given->phase) ||
		(l->wanted != NULL && !emr_rights_alike(row->rights, l->wanted->rights)))
		return EMR_OK;
	l->n++;
	if (l->wanted == NULL || emr_order_has_rule(l->wanted))
		return EMR_OK;
	if (emr_rights_shown(row->rights) == emr_rights_shown(l->wanted->rights) &&
		given->writes == emr_rights_of_writing(l->wanted->rights) &&
		row->purposes == l->wanted->purposes &&
		((row->rights & EMR_GRANT_TWO) == 0 ||
			emr_id16_equal(given->share_id, l->wanted->request)) &&
		is_same_end(l->wanted->until_unix_s, row->not_after_unix_s))
		return emr_share_agents_fit(
			share, l->wanted->grantee, l->wanted->rights, given, &l->is_wanted);
	return EMR_OK;
}

/* Lists the grants of ROOT in DOMAIN that are not over. */
static emr_status find_living(const emr_session *session, emr_id16 domain, living *l)
{
	EMR_AUTO_SHARE share = NULL;
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_sharing_handle(session, &share);

	if (status == EMR_OK)
		status = emr_share_given(share, domain, &all);
	if (status != EMR_OK) /* not there yet, or not mine any more */
		return status == EMR_NOT_FOUND || status == EMR_DENIED ? EMR_OK : status;
	EMR_EACH (const emr_given, given, &all)
		EMR_TRY(note_living(share, l, given));
	return EMR_OK;
}

static bool is_wish(const emr_order *o, emr_id16 domain, emr_id32 root)
{
	return o->kind == EMR_ORDER_GRANT && is_about(o, domain, root);
}

/* Under the lock.  *OUT_MUST: the ledger will have, or may have, something by the order in hand. */
static void find_wishes(
	const emr_sharing *sharing, emr_id16 domain, emr_id32 root, bool *out_had, bool *out_must)
{
	for (size_t i = 0; i < sharing->orders.n; i++) {
		if (!is_wish(&sharing->orders.list[i], domain, root))
			continue;
		*out_had = true;
		*out_must = *out_must || sharing->may_stand[i];
	}
}

/* Under the lock.  The one in hand is waited for. */
static emr_status forget_wishes(emr_sharing *sharing, emr_id16 domain, emr_id32 root)
{
	size_t before = sharing->orders.n;

	for (size_t i = sharing->orders.n; i-- > 0;) {
		const emr_order *o = &sharing->orders.list[i];

		if (is_wish(o, domain, root) && o->number != sharing->running)
			drop(sharing, o->number);
	}
	return sharing->orders.n != before ? save(sharing) : EMR_OK;
}

/* Holds the lock on EMR_OK.  Where an order was done meanwhile both are looked at again. */
static emr_status find_living_and_lock(emr_sharing *sharing, emr_id16 domain, living *l)
{
	for (;;) {
		uint64_t before = emr_sharing_changes(sharing);

		l->n = 0;
		l->is_wanted = false;
		EMR_TRY(find_living(sharing->session, domain, l));
		pthread_mutex_lock(&sharing->lock);
		if ((l->n > 0 && l->wanted == NULL) || sharing->changes == before)
			return EMR_OK;
		pthread_mutex_unlock(&sharing->lock);
	}
}

/* ---- what waits for a yes ---- */

static emr_status check_ledger(const emr_session *session, emr_id16 request)
{
	EMR_AUTO_FREE emr_share_request *asked = malloc(sizeof *asked);
	EMR_AUTO_SHARE share = NULL;

	EMR_TRY(asked != NULL ? emr_sharing_handle(session, &share) : EMR_NO_MEMORY);
	EMR_TRY(emr_share_request_get(share, request, asked));
	return asked->state == EMR_SHARE_REQUEST_OPEN ? EMR_OK : EMR_CONFLICT;
}

/* Under the lock, in this order: a yes that waits no more stands on the ledger, a Consent as a
 * file. An order that failed has answered nothing. */
static emr_status check_open(const emr_sharing *sharing, emr_id16 request)
{
	const emr_order *row = emr_orders_asked(&sharing->orders, request);

	for (size_t i = 0; i < sharing->orders.n; i++) {
		const emr_order *o = &sharing->orders.list[i];

		if (o->kind == EMR_ORDER_GRANT && !o->has_failed &&
			emr_id16_equal(o->request, request))
			return EMR_CONFLICT;
	}
	if (row == NULL || row->kind != EMR_ORDER_WAITS)
		return check_ledger(sharing->session, request);
	return row->told == EMR_SHARE_REQUEST_OPEN ? EMR_OK : EMR_CONFLICT;
}

emr_status emr_sharing_check_open(emr_sharing *sharing, emr_id16 request)
{
	EMR_LOCKED(&sharing->lock);
	return check_open(sharing, request);
}

emr_status emr_sharing_note(emr_sharing *sharing, const emr_order *row)
{
	const emr_order *oldest = NULL, *same;
	emr_order noted = *row;
	size_t n = 0;
	EMR_LOCKED(&sharing->lock);

	same = emr_orders_asked(&sharing->orders, row->request);
	for (size_t i = sharing->orders.n; i-- > 0;) {
		if (sharing->orders.list[i].kind < EMR_ORDER_WAITS)
			continue;
		oldest = &sharing->orders.list[i];
		n++;
	}
	if (same != NULL)
		drop(sharing, same->number);
	else if (n >= EMR_ORDERS_ASKED_MAX)
		drop(sharing, oldest->number);
	return add_order(sharing, &noted);
}

emr_status emr_sharing_told(emr_sharing *sharing, emr_id16 request, emr_share_request_state state)
{
	emr_order *row;
	EMR_LOCKED(&sharing->lock);

	row = emr_orders_asked(&sharing->orders, request);
	if (row == NULL)
		return EMR_NOT_FOUND;
	if (row->kind == EMR_ORDER_WAITS)
		EMR_TRY(check_open(sharing, request));
	row->told = (uint8_t)state;
	return save(sharing);
}

emr_status emr_sharing_forget_over(emr_sharing *sharing)
{
	uint64_t now = emr_clock_unix_s(emr_clock_system());
	size_t before;
	EMR_LOCKED(&sharing->lock);

	before = sharing->orders.n;
	for (size_t i = before; i-- > 0;) {
		const emr_order *o = &sharing->orders.list[i];

		if (o->kind == EMR_ORDER_WAITS &&
			(emr_order_is_of_consent(o)
					? o->until_unix_s
					: o->asked_unix_s + EMR_SHARE_REQUEST_OPEN_S) <= now)
			drop(sharing, o->number);
	}
	return sharing->orders.n != before ? save(sharing) : EMR_OK;
}

/* Under the lock: ORDER, a yes, stands on the ledger.  A Consent has its answer by it; of a right
 * to leave things the ledger has no word which request it answers, so the yes itself is kept. */
static void settle_yes(emr_sharing *sharing, emr_order *order)
{
	emr_order *row = emr_orders_asked(&sharing->orders, order->request);

	if (row == NULL && emr_rights_of_reading(order->rights) == 0) {
		row = order;
		row->kind = EMR_ORDER_WAITS;
		row->domain = (emr_id16){{0}};
	}
	if (row != NULL)
		row->told = EMR_SHARE_REQUEST_APPROVED;
}

/* ---- giving ---- */

/* Under the lock: the last order about the same person and place, if it asks for the same and
 * waits. An end that was asked for after it is the end of it, too. */
static uint64_t find_same(const emr_sharing *sharing, const emr_order *wanted)
{
	uint64_t number = 0;

	for (size_t i = 0; i < sharing->orders.n; i++) {
		const emr_order *o = &sharing->orders.list[i];

		if (!o->has_failed && is_about(o, wanted->domain, wanted->root))
			number = is_same_wish(o, wanted) ? o->number : 0;
	}
	return number;
}

static bool has_orders(const emr_sharing *sharing, const emr_order *wanted)
{
	for (size_t i = 0; i < sharing->orders.n; i++)
		if (is_about(&sharing->orders.list[i], wanted->domain, wanted->root))
			return true;
	return false;
}

/* Under the lock: what WANTED takes the place of and nobody has tried yet is not tried at all, and
 * what has failed not shown any longer. An order that answers a request stays. */
static emr_status forget_replaced(emr_sharing *sharing, const emr_order *wanted)
{
	size_t before = sharing->orders.n;

	for (size_t i = sharing->orders.n; i-- > 0;) {
		const emr_order *o = &sharing->orders.list[i];
		bool is_replaced = wanted->replaces && !sharing->may_stand[i] &&
				   o->number != sharing->running && emr_id16_is_zero(o->request) &&
				   emr_rights_alike(o->rights, wanted->rights);

		if (is_wish(o, wanted->domain, wanted->root) && o->number != wanted->number &&
			(o->has_failed || is_replaced))
			drop(sharing, o->number);
	}
	return sharing->orders.n != before ? save(sharing) : EMR_OK;
}

/* Under the lock: it stands alone, as asked for, or waits and gives WANTED its number. */
static bool is_given(const emr_sharing *sharing, emr_order *wanted, const living *l)
{
	wanted->number = find_same(sharing, wanted);
	return wanted->number != 0 ||
	       (wanted->replaces && l->n == 1 && l->is_wanted && !has_orders(sharing, wanted));
}

emr_status emr_sharing_is_given(emr_sharing *sharing, const emr_order *order, bool *out_is)
{
	emr_order wanted = *order;
	living l = {.root = order->root, .wanted = &wanted};

	wanted.kind = EMR_ORDER_GRANT;
	EMR_TRY(find_living_and_lock(sharing, wanted.domain, &l));
	*out_is = is_given(sharing, &wanted, &l) && wanted.number == 0;
	pthread_mutex_unlock(&sharing->lock);
	return EMR_OK;
}

/* Under the lock. */
static emr_status give_order(emr_sharing *sharing, emr_order *wanted, const living *l)
{
	if (!emr_id16_is_zero(wanted->request) && (wanted->rights & EMR_GRANT_TWO) == 0)
		EMR_TRY(check_open(sharing, wanted->request));
	if (is_given(sharing, wanted, l))
		return EMR_OK;
	EMR_TRY(add_order(sharing, wanted));
	return forget_replaced(sharing, wanted);
}

emr_status emr_sharing_give(emr_sharing *sharing, const emr_order *order, uint64_t *out_number)
{
	emr_order wanted = *order;
	living l = {.root = order->root, .wanted = &wanted};
	emr_status status;

	if (sharing->session->read_only)
		return EMR_READ_ONLY;
	if (order->until_unix_s <= emr_clock_unix_s(emr_clock_system()))
		return EMR_INVALID;
	wanted.kind = EMR_ORDER_GRANT;
	wanted.has_failed = false;
	EMR_TRY(find_living_and_lock(sharing, wanted.domain, &l));
	status = give_order(sharing, &wanted, &l);
	announce(sharing);
	/* The kernel may remember that it is not there; that it is, it never remembers. */
	emr_view_tell(sharing->session->view, EMR_ROOT_NODE, "shared-by-me");
	pthread_mutex_unlock(&sharing->lock);
	if (status == EMR_OK)
		*out_number = wanted.number;
	return status;
}

/* ---- taking back ---- */

emr_status emr_sharing_take_back(emr_sharing *sharing, emr_id16 domain, const char *label,
	const emr_who *who, uint64_t *out_number)
{
	emr_order order = {
		.kind = EMR_ORDER_REVOKE, .domain = domain, .grantee = who->id, .root = who->root};
	living l = {.root = who->root};
	bool had = false, must;
	emr_status status = EMR_OK;

	if (sharing->session->read_only)
		return EMR_READ_ONLY;
	order.asked_unix_s = emr_clock_unix_s(emr_clock_system());
	snprintf(order.label, sizeof order.label, "%s", label);
	snprintf(order.who, sizeof order.who, "%s", who->called);
	EMR_TRY(find_living_and_lock(sharing, domain, &l));
	must = l.n > 0;
	find_wishes(sharing, domain, who->root, &had, &must);
	if (!must && !had)
		status = EMR_NOT_FOUND;
	if (status == EMR_OK && must) /* written down before anything is forgotten */
		status = add_order(sharing, &order);
	if (status == EMR_OK)
		status = forget_wishes(sharing, domain, who->root);
	announce(sharing);
	pthread_mutex_unlock(&sharing->lock);
	if (status == EMR_OK)
		*out_number = order.number;
	return status;
}

uint64_t emr_sharing_changes(emr_sharing *sharing)
{
	uint64_t changes;

	if (sharing == NULL)
		return 0;
	pthread_mutex_lock(&sharing->lock);
	changes = sharing->changes;
	pthread_mutex_unlock(&sharing->lock);
	return changes;
}

emr_status emr_sharing_orders(emr_sharing *sharing, emr_orders *out_orders)
{
	emr_orders copy = {0};

	pthread_mutex_lock(&sharing->lock);
	copy.list = calloc(sharing->orders.n > 0 ? sharing->orders.n : 1, sizeof *copy.list);
	if (copy.list != NULL) {
		copy.n = sharing->orders.n;
		if (copy.n > 0) /* there is no list before the first one */
			memcpy(copy.list, sharing->orders.list, copy.n * sizeof *copy.list);
	}
	pthread_mutex_unlock(&sharing->lock);
	if (copy.list == NULL)
		return EMR_NO_MEMORY;
	*out_orders = copy;
	return EMR_OK;
}

/* ---- waiting ---- */

emr_status emr_sharing_wait(
	emr_sharing *sharing, uint64_t number, int64_t deadline_boot_ns, emr_order *out_failed)
{
	emr_status status = EMR_BUSY;
	EMR_LOCKED(&sharing->lock);

	while (status == EMR_BUSY) {
		const emr_order *o = emr_orders_find(&sharing->orders, number);

		if (o == NULL) {
			status = EMR_OK;
		} else if (o->has_failed) {
			status = EMR_REFUSED;
			if (out_failed != NULL)
				*out_failed = *o;
		} else if (sharing->stop ||
			   emr_clock_boot_ns(emr_clock_system()) >= deadline_boot_ns) {
			status = EMR_TIMEOUT;
		} else {
			emr_cond_wait_until(&sharing->changed, &sharing->lock, deadline_boot_ns);
		}
	}
	return status;
}

/* ---- the clerk ---- */

static void tell_failure(emr_sharing *sharing, const emr_order *order, const clerk_result *result)
{
	EMR_AUTO_FREE char *path = NULL;
	emr_order failed = *order;
	emr_problem problem = {0};
	char cause[200];

	if (result->status == EMR_OK || result->is_momentary)
		return;
	failed.failure = (uint8_t)result->status;
	failed.code = result->code;
	path = emr_sharing_path(sharing->session, order->domain, order->label);
	emr_sharing_cause(&failed, cause, sizeof cause);
	emr_problem_set(&problem,
		order->kind == EMR_ORDER_GRANT ? EMR_SAY_SHARE_FAILED : EMR_SAY_REVOKE_FAILED,
		"path", path != NULL ? path : "?", "who", order->who, "cause", cause, NULL);
	emr_notices_add_problem(sharing->notices, &problem, path != NULL ? path : "");
}

/* It waits for the day's end. */
static void tell_spent(emr_sharing *sharing, emr_status status)
{
	emr_problem problem = {0};

	if (status != EMR_LETTERS_SPENT && status != EMR_BYTES_SPENT)
		return;
	emr_problem_set_status(&problem, status, "");
	emr_notices_add_problem(sharing->notices, &problem, "");
}

static void tell_left_out(emr_sharing *sharing, const emr_order *order, uint64_t n)
{
	EMR_AUTO_FREE char *path = NULL;
	char number[24];

	if (n == 0)
		return;
	(void)snprintf(number, sizeof number, "%llu", (unsigned long long)n);
	path = emr_sharing_path(sharing->session, order->domain, order->label);
	emr_notices_add_that(sharing->notices, path != NULL ? path : "", EMR_SAY_NOT_ALL_SHARED,
		"n", number, "path", path != NULL ? path : "?", "who", order->who, NULL);
}

/* Under the lock: the first order that may be done now; of one domain one after the other, as they
 * came.  *OUT_DUE is when the next one may be. */
static const emr_order *next_order(const emr_sharing *sharing, int64_t *out_due)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system());

	*out_due = INT64_MAX;
	for (size_t i = 0; i < sharing->orders.n; i++) {
		const emr_order *o = &sharing->orders.list[i];
		bool waits = o->has_failed || o->kind >= EMR_ORDER_WAITS;

		for (size_t k = 0; k < i && !waits; k++)
			waits = !sharing->orders.list[k].has_failed &&
				emr_id16_equal(sharing->orders.list[k].domain, o->domain);
		if (waits)
			continue;
		if (sharing->due_boot_ns[i] <= now)
			return o;
		if (sharing->due_boot_ns[i] < *out_due)
			*out_due = sharing->due_boot_ns[i];
	}
	return NULL;
}

/* Under the lock: what becomes of the order that was done with RESULT. */
static void settle_order(
	emr_sharing *sharing, const emr_order *done, bool could_stand, const clerk_result *result)
{
	emr_order *o = emr_orders_find(&sharing->orders, done->number);
	size_t at = (size_t)(o - sharing->orders.list);
	emr_status status = EMR_OK;

	if (result->status == EMR_OK) {
		if (!emr_id16_is_zero(o->request))
			settle_yes(sharing, o);
		if (o->kind < EMR_ORDER_WAITS)
			drop(sharing, done->number);
		status = save(sharing);
	} else if (result->is_momentary) {
		int64_t pause = sharing->pause_ns[at] * 2;

		pause = pause == 0		     ? CLERK_PAUSE_NS
			: pause > CLERK_PAUSE_MAX_NS ? CLERK_PAUSE_MAX_NS
						     : pause;
		sharing->pause_ns[at] = pause;
		sharing->due_boot_ns[at] = emr_clock_boot_ns(emr_clock_system()) + pause;
	} else {
		sharing->may_stand[at] =
			could_stand || !was_never_sent(result->status, result->code);
		o->has_failed = true;
		o->failure = (uint8_t)result->status;
		o->code = result->code;
		status = save(sharing);
	}
	if (status != EMR_OK) /* at the next start it is done again, which does no harm */
		emr_log(EMR_LOG_WARN, "orders are not saved: %s", emr_status_text(status));
}

/* Under the lock, which it lets go meanwhile. */
static void do_order(emr_sharing *sharing, const emr_order *next)
{
	bool *may_stand = &sharing->may_stand[next - sharing->orders.list];
	bool could_stand = *may_stand;
	const bool is_first_try = sharing->pause_ns[next - sharing->orders.list] == 0;
	emr_order order = *next;
	clerk_result result;

	sharing->running = order.number;
	*may_stand = true;
	pthread_mutex_unlock(&sharing->lock);
	result = clerk_do(sharing->session, &order);
	if (is_first_try)
		tell_spent(sharing, result.status);
	tell_failure(sharing, &order, &result); /* before anybody can see it in the list */
	if (result.status == EMR_OK)
		tell_left_out(sharing, &order, result.left_out);
	pthread_mutex_lock(&sharing->lock);
	sharing->running = 0;
	settle_order(sharing, &order, could_stand, &result);
	announce(sharing);
}

static void *do_orders(void *arg)
{
	emr_sharing *sharing = arg;
	int64_t due_boot_ns = 0;

	while (emr_worker_wait(&sharing->worker, due_boot_ns)) {
		const emr_order *next;

		pthread_mutex_lock(&sharing->lock);
		while (!sharing->stop && (next = next_order(sharing, &due_boot_ns)) != NULL)
			do_order(sharing, next);
		pthread_mutex_unlock(&sharing->lock);
	}
	return NULL;
}

emr_status emr_sharing_start(emr_sharing *sharing)
{
	if (sharing->session->read_only)
		return EMR_OK;
	return emr_worker_start(&sharing->worker, "orders", do_orders, sharing);
}

void emr_sharing_end(emr_sharing *sharing)
{
	if (sharing == NULL)
		return;
	pthread_mutex_lock(&sharing->lock);
	sharing->stop = true;
	pthread_cond_broadcast(&sharing->changed);
	pthread_mutex_unlock(&sharing->lock);
	emr_worker_stop(&sharing->worker);
}
