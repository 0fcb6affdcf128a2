/* This file tells who shares what with this person: grants on the ledger become owners and
 * shares with names that cannot be taken for others'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "replica/follower.h"
#include "share/domain.h"
#include "share/write.h"

#include "edit.h"
#include "file.h"
#include "node.h"
#include "owner.h"
#include "shared.h"
#include "shared_notice.h"

#define CODE_DIGITS 4
#define LATE_FIRST_NS INT64_C(1000000000)
#define LATE_NS INT64_C(60000000000)
#define AWAY_NS INT64_C(60000000000) /* that the ledger was, if nobody heard of it for so long */

/* ---- names ---- */

static bool is_taken(const shared_share *s, const char *name)
{
	for (const shared_share *other = s->owner->shares; other != NULL;
		other = other->next_of_owner)
		if (other != s && strcmp(other->name, name) == 0)
			return true;
	return false;
}

/* A folder that came with a share has that one's label as long as its own name is not known. */
static void choose_name(shared_share *s)
{
	size_t digits = s->is_tied && !s->knows_name ? CODE_DIGITS : 0;
	char name[EMR_NAME_MAX + 1], code[27];

	emr_base32(s->domain.b, sizeof s->domain.b, code);
	memcpy(name, s->wanted, sizeof name);
	if (digits > 0)
		emr_name_with_code(s->wanted, code, digits, name);
	for (digits = CODE_DIGITS; is_taken(s, name) && digits <= 26; digits++)
		emr_name_with_code(s->wanted, code, digits, name);
	memcpy(s->name, name, sizeof s->name);
}

static void want_name(shared_share *s, const char *label)
{
	char plain[EMR_NAME_MAX + 1], room[EMR_WORDS_NAME_BYTES];
	emr_bytes name;

	if (shared_is_of_copies(s->owner) && !shared_copy_name_ok(label, EMR_META_DIR))
		label = SHARED_WITHHELD;
	owner_show_plainly(emr_bytes_of(label, strlen(label)), plain);
	owner_tame(plain, "unnamed", sizeof plain);
	name = emr_words_name(s->is_file ? EMR_META_FILE : EMR_META_DIR,
		emr_bytes_of(plain, strlen(plain)), (emr_bytes){0}, room);
	snprintf(s->wanted, sizeof s->wanted, "%.*s", (int)name.len, (const char *)name.data);
}

/* S is called as LABEL says, or nearly so. */
static void name_share(shared_share *s, const char *label)
{
	want_name(s, label);
	choose_name(s);
}

static void choose_again(emr_view *view, shared_share *s, emr_buf *tell)
{
	shared_tell_of(view, s, tell);
	choose_name(s);
	shared_tell_of(view, s, tell);
}

void shared_rename_share(emr_view *view, shared_share *s, const char *name, emr_buf *tell)
{
	char was[EMR_NAME_MAX + 1];

	if (name[0] == 0)
		return;
	memcpy(was, s->wanted, sizeof was);
	want_name(s, name);
	if (s->knows_name && strcmp(was, s->wanted) == 0)
		return;
	s->knows_name = true;
	choose_again(view, s, tell);
	/* A share that had a code because of it may now have the plain name. */
	for (shared_share *other = s->owner->shares; other != NULL; other = other->next_of_owner)
		if (other != s && other->phase == SHARED_OPEN &&
			strcmp(other->name, other->wanted) != 0 && !is_taken(other, other->wanted))
			choose_again(view, other, tell);
}

/* ---- what the ledger grants ---- */

typedef struct looking {
	emr_view *view;
	emr_buf received;  /* emr_received, ... */
	emr_received *all; /* there: those that are wanted */
	size_t n;
	const emr_received **beside; /* ALL, what is shown in one place together */
	bool grants_changed;
	emr_buf touched;  /* emr_id16 of domains, the same one perhaps several times */
	emr_buf answered; /* the same, of those in which somebody answered, or an absent owner
			     signed something */
	bool has_absent;  /* of any share */
} looking;

static bool is_for(const emr_known_grant *grant, uint8_t purpose)
{
	return purpose < 32 && (grant->row.purposes & UINT32_C(1) << purpose) != 0;
}

/* The larger the better; of equal ones the one that ends last. */
static unsigned rank(const emr_received *r, uint8_t purpose)
{
	switch (r->phase) {
	case EMR_GRANT_COMING:
		return 0;
	case EMR_GRANT_IN_FORCE:
		return is_for(&r->grant, purpose) ? 3 : 2;
	case EMR_GRANT_IS_OVER:
	case EMR_GRANT_IS_REVOKED:
		return 1;
	}
	return 0;
}

static uint64_t end_of(const emr_received *r)
{
	return r->phase == EMR_GRANT_IS_REVOKED ? r->grant.ledger_time
						: r->grant.row.not_after_unix_s;
}

/* 0: both are shown in one place, shared by a person, or in the same dataset. */
static int compare_places(const emr_received *a, const emr_received *b)
{
	int order = memcmp(a->grant.domain.b, b->grant.domain.b, sizeof a->grant.domain.b);

	if (order == 0)
		order = (int)a->is_dataset - (int)b->is_dataset;
	return order != 0 || !a->is_dataset ? order
					    : memcmp(a->line.b, b->line.b, sizeof a->line.b);
}

/* Of one place in the order in which the ledger gave them. */
static int by_place(const void *a, const void *b)
{
	const emr_received *x = *(const emr_received *const *)a,
			   *y = *(const emr_received *const *)b;
	int order = compare_places(x, y);

	return order != 0 ? order : x < y ? -1 : x > y;
}

/* Each would else be held against all: whoever reads a dataset of thousands would wait for that. */
static emr_status sort_places(looking *l)
{
	l->beside = calloc(l->n + 1, sizeof(emr_received *));
	EMR_TRY_MEMORY(l->beside);
	for (size_t i = 0; i < l->n; i++)
		l->beside[i] = &l->all[i];
	qsort(l->beside, l->n, sizeof(emr_received *), by_place);
	return EMR_OK;
}

/* Where in BESIDE those of ONE's place begin. */
static size_t first_beside(const looking *l, const emr_received *one)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_places(l->beside[mid], one) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_beside(const looking *l, size_t i, const emr_received *one)
{
	return i < l->n && compare_places(l->beside[i], one) == 0;
}

static uint8_t purpose_of(const emr_view *view, const emr_received *r)
{
	return r->is_dataset				    ? EMR_DATASET_PURPOSE
	       : (r->grant.row.rights & EMR_GRANT_TWO) != 0 ? EMR_EMERGENCY_PURPOSE
							    : view->options.purpose;
}

static const emr_received *best_of(const looking *l, const emr_received *one)
{
	uint8_t purpose = purpose_of(l->view, one);
	const emr_received *best = NULL;

	for (size_t i = first_beside(l, one); is_beside(l, i, one); i++) {
		const emr_received *r = l->beside[i];

		if (rank(r, purpose) == 0)
			continue;
		if (best == NULL || rank(r, purpose) > rank(best, purpose) ||
			(rank(r, purpose) == rank(best, purpose) && end_of(r) > end_of(best)))
			best = r;
	}
	return best;
}

/* The newer one, but never one without a name in the place of one that has it. */
static bool is_better(const emr_card *card, const emr_card *than)
{
	if ((card->name[0] != 0) != (than->name[0] != 0))
		return card->name[0] != 0;
	return card->issued > than->issued;
}

/* Under view->lock. */
static shared_owner *need_owner(
	emr_view *view, const emr_card *card, emr_id32 person, shared_set *set)
{
	shared_owner **at = &view->shares->owners;

	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->set == set && emr_id32_equal((*at)->signer_id, person))
			break;
	if (*at == NULL) {
		*at = calloc(1, sizeof **at);
		if (*at == NULL)
			return NULL;
		(*at)->number = ++view->shares->next_owner;
		(*at)->signer_id = person;
		(*at)->set = set;
		(*at)->card = *card;
	}
	if (is_better(card, &(*at)->card))
		(*at)->card = *card;
	return *at;
}

/* Under view->lock. */
static shared_share *need_share(emr_view *view, shared_owner *owner, emr_id16 domain)
{
	shared_share **at = &view->shares->all, **his = &owner->shares;

	for (; *at != NULL; at = &(*at)->next)
		if (emr_id16_equal((*at)->domain, domain) && (*at)->owner->set == owner->set)
			return *at;
	*at = calloc(1, sizeof **at);
	if (*at == NULL)
		return NULL;
	while (*his != NULL)
		his = &(*his)->next_of_owner;
	*his = *at;
	(*at)->number = ++view->shares->next_share;
	(*at)->view = view;
	(*at)->is_name_due = true;
	shared_stir(view, *at);
	(*at)->owner = owner;
	(*at)->domain = domain;
	(*at)->space = owner->set == NULL ? domain
					  : shared_id_of("space", owner->set->line.b,
						    sizeof owner->set->line.b, domain, 0);
	__atomic_store_n(&view->shares->is_in_use, true, __ATOMIC_RELEASE);
	return *at;
}

shared_share *shared_need(
	emr_view *view, const emr_card *card, emr_id32 person, emr_id16 domain, const char *label)
{
	shared_owner *owner = need_owner(view, card, person, NULL);
	shared_share *s = owner != NULL ? need_share(view, owner, domain) : NULL;

	if (s != NULL && s->name[0] == 0)
		name_share(s, label);
	return s;
}

shared_share *shared_of_domain(const emr_view *view, emr_id16 domain)
{
	shared_share *s = view->shares->all;

	while (s != NULL && (s->owner->set != NULL || !emr_id16_equal(s->domain, domain)))
		s = s->next;
	return s;
}

static shared_phase phase_of(const emr_received *r)
{
	switch (r->phase) {
	case EMR_GRANT_COMING:
		return SHARED_COMING;
	case EMR_GRANT_IN_FORCE:
		return SHARED_OPEN;
	case EMR_GRANT_IS_OVER:
		return SHARED_EXPIRED;
	case EMR_GRANT_IS_REVOKED:
		return SHARED_REVOKED;
	}
	return SHARED_COMING;
}

static void name_note(shared_share *s)
{
	time_t t = (time_t)s->ended_unix_s;
	char suffix[48];
	struct tm tm = {.tm_mday = 1}; /* what no calendar has */
	int room;

	localtime_r(&t, &tm);
	strftime(suffix, sizeof suffix, " - access ended %Y-%m-%d.txt", &tm);
	room = EMR_NAME_MAX - (int)strlen(suffix);
	snprintf(s->note_name, sizeof s->note_name, "%.*s%s", room, s->name, suffix);
}

/* Under view->lock: S is what R says.  Its phase is left to the caller. */
static void take_terms(
	emr_view *view, shared_share *s, const emr_received *r, bool is_file, bool opens_away)
{
	int64_t left_s = (int64_t)r->grant.row.not_after_unix_s - view_now_ns(view) / 1000000000;
	bool is_new = !emr_id16_equal(s->grant.grant, r->grant.grant) ||
		      s->grant.row.not_after_unix_s != r->grant.row.not_after_unix_s;

	if (is_new) {
		left_s = left_s < 0 ? 0 : left_s > INT32_MAX ? INT32_MAX : left_s;
		s->end_boot_ns = view_boot_ns(view) + left_s * 1000000000;
		s->is_ending_told = false;
	}
	s->grant = r->grant;
	s->top = r->grant.domain;
	s->is_file = is_file;
	s->has_purpose = is_for(&r->grant, purpose_of(view, r));
	memcpy(s->agents, r->agents, sizeof s->agents);
	s->agents_count = r->agents_count;
	s->needed = r->grant.row.t;
	s->opens_away = opens_away;
	if (s->name[0] == 0)
		name_share(s, r->letter.label);
}

/* Whether what R begins with is a file of its own: the ledger shows it, without any key. */
static bool begins_with_file(emr_view *view, const emr_received *r)
{
	emr_replica_head head;

	return emr_replica_head_get(
		       view->options.replica, r->grant.domain, r->grant.domain, &head) == EMR_OK &&
	       head.pversion != 0;
}

/* Whether any grant that counts came with a share around it, in whose tree S has its place. */
static void take_root(const looking *l, shared_share *s, const emr_received *best)
{
	s->is_tied = false;
	for (size_t i = first_beside(l, best); is_beside(l, i, best) && !s->is_tied; i++) {
		const emr_received *r = l->beside[i];
		bool counts = r == best || r->phase == EMR_GRANT_IN_FORCE;

		if (!counts || !emr_received_is_inner(r))
			continue;
		s->is_tied = true;
		s->root = r->letter.root_dir_id;
	}
}

/* Under view->lock; NULL without memory. */
static shared_owner *owner_of(
	emr_view *view, const emr_received *r, emr_id32 person, const emr_terms *terms)
{
	shared_set *set = r->is_dataset ? shared_need_set(view, r, terms) : NULL;
	shared_owner *owner =
		r->is_dataset && set == NULL ? NULL : need_owner(view, &r->card, person, set);

	if (owner != NULL && set != NULL)
		memcpy(owner->name, r->pseudonym, sizeof r->pseudonym);
	return owner;
}

/* One domain's best grant becomes, or changes, a share.  Without view->lock. */
static emr_status take_share(const looking *l, const emr_received *r, emr_buf *tell)
{
	emr_view *view = l->view;
	/* In a study nobody is told which of its participants are one person. */
	const emr_id32 person =
		r->is_dataset ? r->card.signer_id : shared_person_of(view, &r->card);
	bool is_file = begins_with_file(view, r), is_other, ends, begins, was_over = false;
	bool opens_away = false;
	shared_phase phase = phase_of(r);
	shared_owner *owner;
	shared_share *s;
	emr_terms terms;

	EMR_TRY(shared_read_terms(view, r, &terms));
	EMR_TRY(emr_share_opens_away(
		view->shares->share, &r->grant, r->agents, r->agents_count, &opens_away));
	pthread_mutex_lock(&view->lock);
	owner = owner_of(view, r, person, &terms);
	s = owner != NULL ? need_share(view, owner, r->grant.domain) : NULL;
	if (s == NULL) {
		pthread_mutex_unlock(&view->lock);
		return EMR_NO_MEMORY;
	}
	if (phase != SHARED_OPEN && s->is_blind &&
		s->phase == SHARED_OPEN) { /* it is still written to */
		pthread_mutex_unlock(&view->lock);
		return EMR_OK;
	}
	if (phase == SHARED_OPEN)
		s->is_blind = false;
	is_other = s->opened != NULL && !emr_id16_equal(s->grant.grant, r->grant.grant);
	if (!emr_id16_equal(s->grant.grant,
		    r->grant.grant)) /* what the one before was refused is no reason to wait */
		s->build_not_before_ns = 0;
	ends = s->phase == SHARED_OPEN && phase != SHARED_OPEN;
	begins = s->phase != SHARED_OPEN && phase == SHARED_OPEN;
	take_root(l, s, r);
	take_terms(view, s, r, is_file, opens_away);
	if (begins)
		s->phase = SHARED_OPEN;
	if (!ends && !begins && s->phase != SHARED_OPEN &&
		s->phase != phase) { /* seen for the first time, and over */
		s->ended_unix_s = end_of(r);
		name_note(s);
		s->phase = phase;
		was_over = true;
	}
	if (begins)
		shared_tell_of(view, s, tell);
	shared_stir_owner(view, owner);
	pthread_mutex_unlock(&view->lock);
	if (is_other) {
		shared_forget_keys(view, s, false);
		shared_drop_keys(view, (emr_id16){{0}}); /* unless it renews the one before */
	}
	if (ends)
		shared_end(view, s, phase, end_of(r), tell);
	if (was_over) {
		shared_forget_blocks(view, s);
		shared_drop_keys(view, r->grant.grant);
	}
	return EMR_OK;
}

void shared_note_end(shared_share *s, shared_phase phase, uint64_t ended_unix_s)
{
	s->phase = phase;
	s->ended_unix_s = ended_unix_s;
	name_note(s);
}

static uint64_t top_number(emr_view *view)
{
	node *n;

	return shared_top(view, &n) == EMR_OK ? n->number : 0;
}

bool shared_was_there(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	return shared_is_there(view);
}

emr_status shared_have_come(emr_view *view, bool was_there, emr_buf *tell)
{
	emr_status status = shared_call_owners(view);

	if (status != EMR_OK) /* by the code for now, and asked again */
		emr_log(EMR_LOG_WARN, "shares: who shares cannot be named: %s",
			emr_status_text(status));
	status = EMR_OK;

	pthread_mutex_lock(&view->lock);
	view->shares->ends_due_boot_ns = 0;
	shared_name_owners(view, tell, top_number(view));
	if (was_there != shared_is_there(view) && view->root != NULL) {
		status = shared_tell_later(tell, EMR_ROOT_NODE, SHARED_DIRECTORY);
		view->root->listing->subdirectories += was_there ? -1u : 1u;
		if (status == EMR_OK)
			status = shared_tell_later(tell, EMR_ROOT_NODE, NULL);
	}
	if (status == EMR_OK)
		status = shared_sets_have_come(view, tell);
	pthread_mutex_unlock(&view->lock);
	shared_tell(view, tell);
	return status;
}

/* A private part may come long after its entry, and nothing on the ledger says when. */
static void look_again_for(emr_view *view, const emr_unopened *unopened)
{
	shares *all = view->shares;

	all->late.wait_ns = unopened->late == 0		  ? 0
			    : all->late.wait_ns == 0	  ? LATE_FIRST_NS
			    : all->late.wait_ns < LATE_NS ? 2 * all->late.wait_ns
							  : LATE_NS;
	all->late.due_boot_ns =
		unopened->late == 0 ? INT64_MAX : view_boot_ns(view) + all->late.wait_ns;
}

/* Without view->lock: every grant to me. */
static emr_status look_at_grants(looking *l)
{
	emr_view *view = l->view;
	EMR_AUTO_BUF tell = {0};
	emr_unopened unopened = {0};
	bool was_there;
	emr_status come, status = emr_share_keep_received(view->shares->share, true);

	if (status == EMR_OK)
		status = emr_share_received(view->shares->share, &l->received, &unopened);
	if (status != EMR_OK) /* the ledger does not know me: nobody shares */
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	l->all = (emr_received *)(void *)l->received.data;
	EMR_EACH (const emr_received, received, &l->received)
		if (shared_is_wanted(view, received))
			l->all[l->n++] = *received;
	status = sort_places(l);
	was_there = shared_was_there(view);
	for (size_t i = 0; i < l->n && status == EMR_OK; i++) {
		const emr_received *best = best_of(l, &l->all[i]);

		if (best == &l->all[i])
			status = take_share(l, best, &tell);
	}
	if (status == EMR_OK)
		status = view->writings->take_writings(view, &tell);
	come = shared_have_come(view, was_there, &tell);
	look_again_for(view, &unopened);
	return status == EMR_OK ? come : status;
}

/* ---- what is new on the ledger ---- */

static emr_status note_domain(emr_buf *domains, emr_id16 domain)
{
	const size_t size = sizeof domain.b;

	if (domains->len > 0 && memcmp(domains->data + domains->len - size, domain.b, size) == 0)
		return EMR_OK;
	return emr_buf_append(domains, domain.b, size);
}

static bool is_by_its_owner(const looking *l, const emr_replica_change *c)
{
	emr_row_domain row;
	emr_id32 id;

	if (emr_domain_row(l->view->options.replica, c->domain, &row) != EMR_OK)
		return false;
	emr_signer_id(row.owner_pk, id.b);
	return emr_id32_equal(id, c->signer_id);
}

static emr_status note_changes(looking *l, uint64_t from)
{
	emr_replica_change c;

	EMR_ASK(asked, l->view->options.replica, SINCE, .at = from);
	while (emr_next(&asked, &c)) {
		const bool names = c.family == EMR_FAMILY_OBJECT || c.family == EMR_FAMILY_LISTKEY;

		if (c.result != EMR_RESULT_APPLIED)
			continue;
		l->grants_changed |= c.family == EMR_FAMILY_GRANT || c.family == EMR_FAMILY_KEY ||
				     c.family == EMR_FAMILY_ORG || c.family == EMR_FAMILY_MEMBER ||
				     c.family == EMR_FAMILY_WRITER ||
				     c.family == EMR_FAMILY_EMERGENCY;
		if (names)
			EMR_TRY(note_domain(&l->touched, c.domain));
		if (c.family == EMR_FAMILY_SERVED ||
			(names && l->has_absent && is_by_its_owner(l, &c)))
			EMR_TRY(note_domain(&l->answered, c.domain));
	}
	return asked.status;
}

static bool has_absent(emr_view *view)
{
	EMR_LOCKED(&view->lock);

	for (const shared_share *s = view->shares->all; s != NULL; s = s->next)
		if (s->answers.absent_ns != 0)
			return true;
	return false;
}

static bool has_domain(const emr_buf *domains, emr_id16 domain)
{
	return domains->len > 0 && bsearch(&domain, domains->data, domains->len / sizeof domain,
					   sizeof domain, tree_compare_ids) != NULL;
}

static void mark_grown(emr_view *view, const looking *l)
{
	emr_buf_sort(&l->touched, sizeof(emr_id16), tree_compare_ids);
	emr_buf_sort(&l->answered, sizeof(emr_id16), tree_compare_ids);
	pthread_mutex_lock(&view->lock);
	for (shared_share *s = view->shares->all; s != NULL; s = s->next) {
		bool has_grown = has_domain(&l->touched, s->domain);
		bool has_answers = has_domain(&l->answered, s->domain);

		s->has_grown = s->has_grown || (has_grown && s->tree != NULL);
		s->is_name_due = s->is_name_due || has_grown;
		s->answers.has_come = s->answers.has_come || has_answers;
		if (has_answers)
			s->answers.absent_until_boot_ns = s->answers.absent_ns = 0;
		if (has_grown || has_answers)
			shared_stir(view, s);
	}
	pthread_mutex_unlock(&view->lock);
}

static emr_status look(looking *l)
{
	shares *all = l->view->shares;
	emr_replica_position at;
	bool is_late = all->knows_grants && view_boot_ns(l->view) >= all->late.due_boot_ns;

	EMR_TRY(emr_replica_at(l->view->options.replica, &at));
	if (all->knows_grants && at.size == all->seen && !is_late)
		return EMR_OK;
	l->has_absent = has_absent(l->view);
	if (all->knows_grants)
		EMR_TRY(note_changes(l, all->seen));
	if (l->grants_changed || !all->knows_grants || is_late)
		EMR_TRY(look_at_grants(l));
	mark_grown(l->view, l);
	all->knows_grants = true;
	all->seen = at.size;
	return EMR_OK;
}

emr_status shared_look(emr_view *view)
{
	looking l = {.view = view};
	emr_status status = look(&l);

	emr_buf_free(&l.received);
	free(l.beside);
	emr_buf_free(&l.touched);
	emr_buf_free(&l.answered);
	return status;
}

emr_status shared_follow(emr_view *view)
{
	emr_status status = emr_follow_lately(view->options.replica), looked;
	int64_t now = view_boot_ns(view);

	if (status == EMR_OK && now - view->shares->fresh_boot_ns > AWAY_NS)
		view->shares->ends_due_boot_ns = 0; /* nobody need be told of it any more */
	if (status == EMR_OK)
		view->shares->fresh_boot_ns = now;
	view->shares->followed = status;
	looked = shared_look(view); /* also at what is here when the ledger is away */
	return status == EMR_OK ? looked : status;
}
