/* Tests of the program's sharing files use this file: it gives them ana's folder, with people
 * around it, as an open session. */
#include "sharing_story.h"

#include "contract/pubs_share.h"
#include "keyring/letters.h"
#include "share/request.h"
#include "story_kit.h"

static story s;

void sharing_story_begin(emr_session *session)
{
	story_begin(&s);
	*session = EMR_SESSION_CLOSED;
	session->keyring = s.k.stack.keyring;
	session->ledger = s.k.stack.ledger;
	session->journal = s.k.stack.journal;
	session->replica = s.k.stack.replica;
	session->records = s.k.stack.records;
	session->view = s.k.view;
	session->state_fd = open(s.k.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(session->state_fd >= 0);
	assert_ok(emr_keyring_public(session->keyring, &session->identity));
	assert_ok(emr_replica_catch_up(session->replica, NULL, NULL, NULL));
}

void sharing_story_end(emr_session *session)
{
	(void)close(session->state_fd);
	story_end(&s);
}

emr_id16 sharing_story_imaging(void)
{
	return s.imaging;
}

emr_id32 sharing_story_lima(void)
{
	return s.lima.public.signer_id;
}

emr_id32 sharing_story_eve(void)
{
	return s.eve.public.signer_id;
}

/* ---- asking ---- */

/* Twenty bits: a million tries. */
static bool begins_alike(emr_id16 a, emr_id16 b)
{
	return a.b[0] == b.b[0] && a.b[1] == b.b[1] && (a.b[2] & 0xf0) == (b.b[2] & 0xf0);
}

static emr_act act_of(const sharing_story_ask *what, emr_id32 ana, uint8_t out_rsalt[32])
{
	emr_id16 none = {{0}};
	emr_id32 salt = emr_id32_random(), to;
	emr_act act;

	for (uint32_t i = 0;; i++) {
		memcpy(salt.b, &i, sizeof i);
		emr_request_to(salt.b, ana.b, to.b);
		act = emr_act_request(none, s.lima.public.signer_id, to);
		if (what->begins_as == NULL || begins_alike(act.object, *what->begins_as))
			break;
	}
	memcpy(out_rsalt, salt.b, 32);
	if (what->called != NULL)
		act.object = *what->called;
	return act;
}

static int try_to_ask(const sharing_story_ask *what, emr_id16 *out_request)
{
	emr_request_body body = {
		.rights = what->rights, .purposes = 1, .until = what->until_unix_s};
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_public ana;
	emr_act act;

	assert_ok(emr_keyring_public(s.k.stack.keyring, &ana));
	act = act_of(what, ana.signer_id, body.rsalt);
	snprintf(body.path, sizeof body.path, "%s", what->path);
	story_see(&s.lima);
	assert_ok(emr_replica_follow(s.lima.replica, s.lima.public.signer_id, &act));
	assert_ok(emr_act_item(&act, s.lima.public.signer_id, story_now(&s), &item));
	assert_ok(emr_request_part_seal(emr_buf_view(&item), ana.x25519, &body, &part));
	*out_request = act.object;
	return story_says(&s, &s.lima, act, emr_buf_view(&part));
}

int sharing_story_lima_tries(const sharing_story_ask *what)
{
	emr_id16 request;

	return try_to_ask(what, &request);
}

emr_id16 sharing_story_lima_asks(const sharing_story_ask *what)
{
	emr_id16 request;

	assert_int_equal(try_to_ask(what, &request), 0);
	return request;
}

void sharing_story_lima_takes_back(emr_id16 request)
{
	story_see(&s.lima);
	assert_ok(emr_share_request_withdraw(begins(s.lima.share), request));
}

int sharing_story_request_state(emr_id16 request)
{
	emr_share_request_answer answer;

	story_see(&s.lima);
	assert_ok(emr_share_request_look(s.lima.share, request, &answer));
	return (int)answer.state;
}

void sharing_story_swap(const char *path, const char *spare)
{
	char aside[256];
	emr_moved moved = {0};

	kit_mkdir(&s.k, spare);
	sharing_story_publish();
	snprintf(aside, sizeof aside, "%s aside", path);
	assert_ok(emr_view_move(s.k.view, &(emr_move){.from = path, .to = aside}, &moved));
	emr_moved_free(&moved);
	assert_ok(emr_view_move(s.k.view, &(emr_move){.from = spare, .to = path}, &moved));
	emr_moved_free(&moved);
	sharing_story_publish();
}

void sharing_story_publish(void)
{
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
}

void sharing_story_make_domain(const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s.k.view, path, &domain));
	sharing_story_publish();
}

/* ---- reading ---- */

static void answer(story *all)
{
	(void)story_owner(all);
}

typedef struct sought {
	const char *name;
	emr_report_row row;
} sought;

static emr_status note_record(void *arg, const emr_shared_record *record)
{
	sought *f = arg;

	if (record->meta->name.len == strlen(f->name) &&
		memcmp(record->meta->name.data, f->name, record->meta->name.len) == 0)
		f->row = (emr_report_row){.object_id = record->object,
			.version = record->pversion,
			.opens = 1,
			.reader = EMR_READER_PERSON,
			.whole = true,
			.bytes = record->meta->n};
	return EMR_OK;
}

static void report(emr_id16 grant, const char *name)
{
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;
	sought f = {.name = name};

	assert_ok(emr_shared_open(
		s.lima.share, s.imaging, grant, CONSULT, EMR_READER_PERSON, &shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	(void)story_owner(&s);
	assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
	assert_ok(emr_shared_each(shared, NULL, note_record, &f, NULL));
	assert_int_equal(f.row.opens, 1);
	f.row.first = f.row.last = story_now(&s);
	assert_ok(emr_shared_report(shared, &f.row, 1));
	emr_ask_free(ask);
	emr_shared_free(shared);
}

static emr_id16 read_one(const char *name)
{
	EMR_AUTO_BUF bytes = {0}, all = {0};
	emr_share_trouble trouble;
	emr_id16 grant = {{0}};
	uint64_t real = emr_clock_unix_s(emr_clock_system());

	if (story_now(&s) <
		real) /* the clerk granted by the computer's clock, and this one stands still */
		story_pass(&s, real - story_now(&s));
	story_see(&s.lima);
	assert_ok(emr_share_received(s.lima.share, &all, NULL));
	EMR_EACH (const emr_received, received, &all)
		grant = received->grant.grant;
	assert_ok(story_read(&s, &s.lima, grant, name, answer, &bytes, &trouble));
	assert_true(bytes.len > 0);
	return grant;
}

void sharing_story_lima_gets_the_key(const char *name)
{
	(void)read_one(name);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
}

void sharing_story_lima_reads(const char *name)
{
	report(read_one(name), name);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
}
