/* This program plays one person's part in a scene with several: it gives, takes back, or reads, as
 * the libraries do it, with the folder closed. Its first argument is PASSPHRASE-FILE; then:
 *
 *   grant FOLDER SIGNER-ID    gives to that person, for treatment, a week; prints "GRANT T of N"
 *   revoke FOLDER SIGNER-ID   takes it back
 *   me x x                    prints one's own signer id
 *   open NAME MILLISECONDS    asks for the names of the newest share, and for the key of NAME; says
 *                             why a key did not come, and who did not answer
 *   forge NAME WORD           the same; then "malignant" in NAME becomes WORD, which is as long, in
 *                             the blocks of the directory BLOCKS */

#include "own_session.h"

#include "ask_kit.h"
#include "forge_kit.h"
#include "share/give.h"

#define WEEK_S ((uint64_t)7 * 86400)
#define TRUE_WORD "malignant"
#define FORGER_WAITS_MS 300000 /* for the owner's computer, however busy it is */

static emr_share *share;
static emr_store *blocks; /* of a reader */
static char path[4200];	  /* of them: BLOCKS, or the state's own */

/* The reader's copy of the ledger has the parts of every domain, and is made again each time. */
static void open_reader(const char *passphrase_file, char *directory)
{
	emr_replica_options copy = {0};
	emr_problem problem = {0};

	(void)lock_own(passphrase_file);
	must(emr_keys_open(session.state_fd, session.state_path, passphrase_file, &session.keyring,
		     &problem),
		problem.text);
	must(emr_session_open_copy(&session, false, NULL, &problem), problem.text);
	emr_replica_close(session.replica);
	session.replica = NULL;
	must(mkdtemp(directory) != NULL ? EMR_OK : EMR_IO, directory);
	copy.ledger = session.ledger;
	copy.state_dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(copy.state_dirfd >= 0 ? emr_replica_open(&copy, &session.replica) : EMR_IO, directory);
}

/* The reader's store, by an index of its own. */
static void open_records(void)
{
	char index[4200];
	emr_store_options options = {.path = path, .index_path = index, .read_only = true};
	emr_record_options records = {
		.keyring = session.keyring, .spill_dirfd = -1, .workers = EMR_RECORD_NO_WORKERS};

	(void)snprintf(path, sizeof path, "%s/" EMR_STATE_BLOCKS, session.state_path);
	if (getenv("BLOCKS") != NULL)
		(void)snprintf(path, sizeof path, "%s", getenv("BLOCKS"));
	(void)snprintf(index, sizeof index, "%s/index", session.state_path);
	must(emr_store_open(&options, &blocks), path);
	records.store = emr_store_blocks(blocks);
	must(emr_record_ctx_new(&records, &session.records), "records");
}

static void open_all(const char *passphrase_file, char *directory)
{
	emr_share_options sharing;

	if (directory != NULL)
		open_reader(passphrase_file, directory);
	else
		open_own(passphrase_file);
	if (directory != NULL)
		open_records();
	sharing = (emr_share_options){.keyring = session.keyring,
		.ledger = session.ledger,
		.replica = session.replica,
		.records = session.records};
	must(emr_share_new(&sharing, &share), "share");
	must(emr_replica_catch_up(session.replica, NULL, NULL, NULL), "the ledger");
}

/* ---- the owner ---- */

static emr_id16 domain_of(const char *name)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(session.facts);
	emr_id16 domain = {{0}};
	emr_place place;
	emr_meta meta;

	while (emr_facts_next(&all, &place, &meta))
		if (meta.name.len == strlen(name) &&
			memcmp(meta.name.data, name, meta.name.len) == 0)
			domain = place.domain;
	must(all.status, "the records");
	must(emr_id16_is_zero(domain) ? EMR_NOT_FOUND : EMR_OK, name);
	return domain;
}

static void grant(const char *name, const char *who)
{
	emr_grant_order order = {.domain = domain_of(name),
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1,
		.not_after_unix_s = emr_clock_unix_s(emr_clock_system()) + WEEK_S,
		.label = name,
		.owner_name = session.profile.name,
		.owner_born = session.profile.born};
	emr_grant_made made;
	char id[33];

	must(emr_unhex(who, order.grantee.b, 32), who);
	must(emr_share_grant(share, &order, &made), "grant");
	emr_hex(made.grant.b, sizeof made.grant.b, id);
	printf("%s %u of %u\n", id, made.t, made.n);
}

static void take_back(const char *name, const char *who)
{
	emr_id32 grantee;
	size_t n = 0;

	must(emr_unhex(who, grantee.b, 32), who);
	must(emr_share_revoke_person(share, domain_of(name), grantee, &n), "revoke");
	printf("%zu taken back\n", n);
}

/* ---- the reader ---- */

static int wait_ms;

/* The words that the scripts compare: the names do not change when a reason is added. */
static const char *text_of_why(emr_share_why why)
{
	static const char *const texts[] = {
		[EMR_WHY_NONE] = "none",
		[EMR_WHY_NO_GRANT] = "no-grant",
		[EMR_WHY_NOT_YET] = "not-yet",
		[EMR_WHY_EXPIRED] = "expired",
		[EMR_WHY_REVOKED] = "revoked",
		[EMR_WHY_PURPOSE] = "purpose",
		[EMR_WHY_RIGHTS] = "rights",
		[EMR_WHY_UNPAID] = "unpaid",
		[EMR_WHY_NO_RELEASE] = "no-release",
		[EMR_WHY_REFUSED] = "refused",
		[EMR_WHY_LIAR] = "liar",
		[EMR_WHY_LEDGER] = "ledger",
	};

	return (size_t)why < sizeof texts / sizeof texts[0] ? texts[why] : "unknown";
}

static void await(emr_ask *ask, const char *what)
{
	emr_share_trouble trouble = {0};
	emr_status status =
		ask != NULL ? ask_wait(session.replica, ask, wait_ms, &trouble) : EMR_OK;
	char id[65];

	emr_ask_free(ask);
	if (status == EMR_OK)
		return;
	printf("%s: why %s code %d missing", what, text_of_why(trouble.why), trouble.code);
	for (unsigned i = 0; i < trouble.missing_count; i++) {
		emr_hex(trouble.missing[i].b, 32, id);
		printf(" %s", id);
	}
	printf("\n");
	must(status, what);
}

typedef struct sought {
	const char *name;
	emr_id16 object;
	bool is_there;
} sought;

static emr_status find_name(void *arg, const emr_shared_record *record)
{
	sought *f = arg;

	if (record->meta->name.len == strlen(f->name) &&
		memcmp(record->meta->name.data, f->name, record->meta->name.len) == 0) {
		f->object = record->object;
		f->is_there = true;
	}
	return EMR_OK;
}

/* Where TRUE_WORD stands in what HIS reader opens. */
static uint64_t find_word(emr_content_reader *his)
{
	static char bytes[EMR_LEAF_BYTES];
	size_t got = 1;

	for (uint64_t at = 0; got > 0; at += got) {
		const char *found;

		must(emr_content_reader_read(his, at, bytes, sizeof bytes, &got), "reading");
		found = memmem(bytes, got, TRUE_WORD, strlen(TRUE_WORD));
		if (found != NULL)
			return at + (uint64_t)(found - bytes);
	}
	must(EMR_NOT_FOUND, TRUE_WORD);
	return 0;
}

/* Changes TRUE_WORD of what he may read, where its blocks lie. */
static void forge_record(emr_shared *shared, emr_id16 object, const char *word)
{
	emr_content_reader *his = NULL;
	emr_shared_word word_of;

	must(emr_shared_open_signed(shared, object, &his, &word_of), "reader");
	forge(his, path, find_word(his), word);
	emr_content_reader_free(his);
}

/* FORGED: NULL, or what stands for TRUE_WORD afterwards. */
static void open_record(const char *name, const char *forged)
{
	EMR_AUTO_BUF all = {0};
	emr_known_grant newest = {.ledger_time = 0};
	sought f = {.name = name};
	emr_share_trouble trouble = {0};
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;
	emr_status status;

	must(emr_share_received(share, &all, NULL), "received");
	EMR_EACH (const emr_received, received, &all)
		if (received->grant.ledger_time >= newest.ledger_time)
			newest = received->grant;
	must(newest.ledger_time == 0 ? EMR_NOT_FOUND : EMR_OK, "a grant");
	status = emr_shared_open(
		share, newest.domain, newest.grant, 0, EMR_READER_PERSON, &shared, &trouble);
	if (status != EMR_OK)
		printf("open: why %s\n", text_of_why(trouble.why));
	must(status, "open");
	must(emr_shared_ask_names(shared, &ask, &trouble), "asking for names");
	await(ask, "names");
	must(emr_shared_each(shared, NULL, find_name, &f, NULL), "names");
	must(f.is_there ? EMR_OK : EMR_NOT_FOUND, name);
	ask = NULL;
	must(emr_shared_ask_records(shared, &f.object, 1, &ask, &trouble), "asking for a record");
	await(ask, "record");
	if (forged != NULL)
		forge_record(shared, f.object, forged);
	emr_shared_free(shared);
	printf("the key of %s is here\n", name);
}

int main(int argc, char **argv)
{
	bool forges = argc == 5 && strcmp(argv[2], "forge") == 0;
	bool is_open = forges || (argc == 5 && strcmp(argv[2], "open") == 0);
	char directory[] = "reader-XXXXXX"; /* in the test's own */

	if (argc != 5) {
		fprintf(stderr, "share_peer PASSPHRASE-FILE grant FOLDER SIGNER-ID | revoke FOLDER "
				"SIGNER-ID | open NAME MS | forge NAME WORD\n");
		return 2;
	}
	open_all(argv[1], is_open ? directory : NULL);
	if (strcmp(argv[2], "me") == 0) {
		char id[65];

		emr_hex(session.identity.signer_id.b, 32, id);
		puts(id);
		emr_share_free(share);
		emr_session_close(&session);
		return 0;
	}
	wait_ms = forges ? FORGER_WAITS_MS : is_open ? atoi(argv[4]) : 0;
	if (is_open)
		open_record(argv[3], forges ? argv[4] : NULL);
	else if (strcmp(argv[2], "grant") == 0)
		grant(argv[3], argv[4]);
	else
		take_back(argv[3], argv[4]);
	emr_share_free(share);
	if (blocks != NULL) {
		emr_record_ctx_free(session.records);
		session.records = NULL;
		emr_store_close(blocks);
	}
	emr_session_close(&session);
	return 0;
}
