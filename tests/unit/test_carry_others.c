/* These tests are about files that other people put into the owner's folder, out in a CAR and back:
 * such a file is theirs if the ledger of the owner says so, whatever they say of it. */
#include <sys/mman.h>

#include "carry/carry.h"
#include "carry/catalogue.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "store/car.h"

#include "pen_kit.h"
#include "tree.h"

static story s;
static pen p;

static void begin(void)
{
	story_begin(&s);
	(void)pen_writes(&s, &p, &s.lima, "lima");
}

static void end(void)
{
	pen_close(&p);
	story_end(&s);
}

static void let_it_arrive(void)
{
	for (int i = 0; i < 3; i++)
		kit_publish_all(&s.k);
}

/* Everything that Ana has, as the ledger has it now. */
static int write_out(void)
{
	const emr_carry_sources from = {.keyring = s.k.stack.keyring,
		.ledger = s.k.stack.ledger,
		.replica = s.k.stack.replica,
		.store = emr_store_blocks(s.k.stack.store),
		.facts = s.k.stack.facts};
	int fd = memfd_create("car", MFD_CLOEXEC);
	emr_carry_tally tally;

	assert_ok(emr_store_index_now(s.k.stack.store));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_carry_write(&from, NULL, fd, &tally));
	return fd;
}

/* The records that a parcel gives. */
typedef struct found {
	emr_parcel *parcel;
	char all[2000]; /* "|PATH" of directories, "|PATH=TEXT" of files that open, "|PATH!" of
			   others */
	uint64_t left_out;
} found;

static emr_status note(void *arg, const emr_parcel_record *r)
{
	found *f = arg;
	emr_content_reader *reader = NULL;
	char text[100] = "";
	size_t got = 0;
	emr_status status;

	strcat(strcat(f->all, "|"), r->path);
	if (r->meta.type != EMR_META_FILE)
		return EMR_OK;
	status = emr_parcel_content(f->parcel, r->number, NULL, 0, &reader);
	if (status == EMR_OK)
		status = emr_content_reader_read(reader, 0, text, sizeof text - 1, &got);
	strcat(strcat(f->all, status == EMR_OK ? "=" : "!"), text);
	emr_content_reader_free(reader);
	return EMR_OK;
}

static found read_from(int fd, bool with_ledger)
{
	const emr_parcel_ledger ledger = {.replica = s.k.stack.replica,
		.facts = s.k.stack.facts,
		.descriptor = emr_ledger_descriptor(s.k.stack.ledger)};
	found f = {.left_out = 0};

	assert_ok(emr_parcel_open(fd, s.k.stack.keyring, with_ledger ? &ledger : NULL, &f.parcel));
	assert_ok(emr_parcel_each(f.parcel, note, &f));
	f.left_out = emr_parcel_foreign(f.parcel);
	emr_parcel_close(f.parcel);
	close(fd);
	strcat(f.all, "|");
	return f;
}

static found read_back(bool with_ledger)
{
	return read_from(write_out(), with_ledger);
}

static void has(const found *f, const char *what)
{
	if (strstr(f->all, what) == NULL)
		fail_msg("%s is not in %s", what, f->all);
}

static void has_not(const found *f, const char *what)
{
	if (strstr(f->all, what) != NULL)
		fail_msg("%s is in %s", what, f->all);
}

TEST(what_a_writer_wrote_comes_back_where_the_ledger_has_it)
{
	emr_id16 dir;
	found f;

	begin();
	pen_dir(&p, s.imaging, s.imaging, "New", &dir);
	pen_file(&p, s.imaging, dir, "note.txt", "by lima", NULL);
	pen_dir(&p, s.imaging, s.imaging, ".git", &dir);
	pen_file(&p, s.imaging, dir, "config", "by lima", NULL);
	pen_file(&p, s.imaging, s.imaging, "HEAD", "by lima", NULL);
	kit_text(&s.k, "Imaging/.own", "hers");
	let_it_arrive();
	f = read_back(true);
	has(&f, "|Imaging/_git/config=by lima|"); /* as in the folder, it configures nothing */
	has(&f, "|Imaging/_HEAD=by lima|");
	has(&f, "|Imaging/.own=hers|");
	has(&f, "|Imaging/New|");
	has(&f, "|Imaging/New/note.txt=by lima|");
	has(&f, "|Imaging/MRI.pdf=%PDF a knee|");
	assert_int_equal(f.left_out, 0);
	/* Anybody can seal something for her key: without the ledger it is nobody's. */
	f = read_back(false);
	has(&f, "|Imaging/MRI.pdf=%PDF a knee|");
	has_not(&f, "note.txt");
	assert_true(f.left_out > 0);
	end();
}

TEST(what_she_moved_out_of_the_shared_folder_stays_the_writers_word)
{
	found f;

	begin();
	pen_file(&p, s.imaging, s.imaging, "note.txt", "by lima", NULL);
	let_it_arrive();
	kit_rename(&s.k, "Imaging/note.txt", "note.txt");
	let_it_arrive();
	f = read_back(true);
	has(&f, "|note.txt=by lima|");
	f = read_back(false);
	has(&f, "|note.txt!|");
	end();
}

/* As the folder, import looks where a version lies: one that is no newer than what lay there does
 * not fit, also by who signed it. */
TEST(what_the_folder_calls_a_mismatch_does_not_come_back)
{
	emr_place at = {.cver = 3};
	found f;

	begin();
	at.domain = s.imaging;
	pen_file(&p, s.imaging, s.imaging, "note.txt", "by lima", &at.record_id);
	at.object = at.record_id;
	pen_over(&p, &at, s.imaging, "note.txt", "corrected");
	assert_ok(p.last.error);
	let_it_arrive();
	f = read_back(true);
	has(&f, "|Imaging/note.txt=corrected|");
	at.cver = 2;
	pen_over(&p, &at, s.imaging, "note.txt", "what was");
	assert_ok(p.last.error);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	let_it_arrive();
	assert_memory_equal(
		kit_attribute(&s.k, "Imaging/note.txt", "user.emrfs.signature"), "mismatch", 8);
	f = read_back(true);
	has(&f, "|Imaging/note.txt!|");
	end();
}

/* Whom a record is about, its content says. */
TEST(a_description_of_another_patient_closes_nothing)
{
	emr_id16 note_id;
	found f;

	begin();
	pen_rename_blindly(
		&p, s.imaging, kit_object_id(&s.k, "Imaging/MRI.pdf"), s.imaging, "Knee.pdf");
	assert_ok(p.last.error);
	pen_file(&p, s.imaging, s.imaging, "note.txt", "by lima", &note_id);
	pen_rename_blindly(&p, s.imaging, note_id, s.imaging, "renamed.txt");
	assert_ok(p.last.error);
	f = read_back(true);
	has(&f, "|Imaging/Knee.pdf=%PDF a knee|");
	has(&f, "|Imaging/renamed.txt=by lima|");
	end();
}

/* ---- a page that a writer made himself ---- */

static uint64_t varint(const uint8_t *data, size_t *at)
{
	uint64_t value = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint8_t byte = data[(*at)++];

		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value;
	}
}

/* PAGE without the items that have contents. */
static void without_contents(emr_bytes page, emr_buf *out)
{
	for (size_t at = 12; at < page.len;) {
		emr_page_entry e = {.item = emr_bytes_of(page.data + at, EMR_ITEM_BYTES)};
		emr_item item;

		assert_int_equal(emr_item_parse((emr_span){e.item.data, e.item.len}, &item),
			EMR_CONTRACT_OK);
		at += EMR_ITEM_BYTES;
		e.header = emr_bytes_of(page.data + at, EMR_HEADER_BYTES);
		at += EMR_HEADER_BYTES;
		e.index = (uint16_t)(page.data[at] << 8 | page.data[at + 1]);
		e.path.n = page.data[at + 2];
		at += 4;
		memcpy(e.path.hashes, page.data + at, e.path.n * 32);
		at += e.path.n * 32;
		e.priv = emr_bytes_of(page.data + at, item.priv_len);
		at += item.priv_len;
		if (item.op == EMR_OP_META || item.op == EMR_OP_LISTKEY)
			assert_ok(emr_page_add(out, &e));
	}
}

/* Behind the CAR in FD stands such a page of each of its own, as a leaf of some content would. */
static void add_pages_without_contents(int fd)
{
	size_t len = (size_t)lseek(fd, 0, SEEK_END), at = 0;
	EMR_AUTO_FREE uint8_t *car = malloc(len);

	assert_non_null(car);
	assert_int_equal(pread(fd, car, len, 0), (ssize_t)len);
	at += varint(car, &at);
	while (at < len) {
		size_t section = varint(car, &at);
		emr_bytes block = emr_bytes_of(car + at + EMR_CID_BYTES, section - EMR_CID_BYTES);
		uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
		EMR_AUTO_BUF page = {0}, plain = {0}, sealed = {0};
		emr_page_folder folder = {.epoch = 1};
		emr_cid cid;

		at += section;
		if (block.len < 4 || memcmp(block.data, EMR_PAGE_MAGIC, 4) != 0)
			continue;
		assert_ok(emr_page_open(s.k.stack.keyring, block, &plain));
		without_contents(emr_buf_view(&plain), &page);
		memcpy(folder.domain.b, block.data + 12, sizeof folder.domain.b);
		/* anybody can seal for her key */
		assert_ok(
			emr_page_seal(s.k.stack.keyring, &folder, 1, emr_buf_view(&page), &sealed));
		cid = emr_cid_of_block(EMR_CODEC_RAW, emr_buf_view(&sealed));
		section = emr_car_section_head(head, &cid, sealed.len);
		assert_int_equal(write(fd, head, section), (ssize_t)section);
		assert_int_equal(write(fd, sealed.data, sealed.len), (ssize_t)sealed.len);
	}
}

TEST(a_page_of_a_writers_own_takes_no_content_away)
{
	found f;
	int fd;

	begin();
	pen_rename_blindly(
		&p, s.imaging, kit_object_id(&s.k, "Imaging/MRI.pdf"), s.imaging, "Knee.pdf");
	assert_ok(p.last.error);
	fd = write_out();
	add_pages_without_contents(fd);
	f = read_from(fd, true);
	has(&f, "|Imaging/Knee.pdf=%PDF a knee|");
	end();
}

TEST(what_a_writer_may_not_say_is_left_out)
{
	emr_id16 a, b, elsewhere;
	found f;

	begin();
	kit_mkdir(&s.k, "Psychiatry");
	let_it_arrive();
	elsewhere = kit_object_id(&s.k, "Psychiatry");
	pen_dir(&p, s.imaging, s.imaging, "a", &a);
	pen_dir(&p, s.imaging, a, "b", &b);
	pen_describe(&p, EMR_META_DIR, s.imaging, a, b, "a"); /* around in a circle */
	pen_file(&p, s.imaging, a, "lost.txt", "planted", NULL);
	pen_link(&p, s.imaging, s.imaging, "link", "/etc/passwd", NULL);
	pen_file(&p, s.imaging, s.imaging, "../up.txt", "planted", NULL);
	pen_file(&p, s.imaging, elsewhere, "in-psychiatry.txt", "planted", NULL);
	f = read_back(true);
	has(&f, "|Imaging/MRI.pdf=%PDF a knee|");
	has(&f, "|Imaging/Old/CT.pdf=");
	has(&f, "|Imaging/unnamed=planted|");
	has(&f, "|in-psychiatry.txt=planted|"); /* of a place that is not known it lies at the top
						 */
	has_not(&f, "link");
	has_not(&f, "lost.txt");
	assert_int_equal(f.left_out, 4); /* a, b, lost.txt and link */
	end();
}

/* A file of hers whose number comes before that of its directory: what says to lie in it is
 * exported first. */
static emr_id16 early_file(char path[80])
{
	for (int i = 0;; i++) {
		emr_id16 dir, own;

		snprintf(path, 80, "Imaging/d%d", i);
		kit_mkdir(&s.k, path);
		dir = kit_object_id(&s.k, path);
		strcat(path, "/own.txt");
		kit_text(&s.k, path, "hers");
		own = kit_object_id(&s.k, path);
		if (memcmp(own.b, dir.b, sizeof dir.b) < 0)
			return own;
	}
}

TEST(what_says_to_lie_in_her_file_takes_no_content_away)
{
	char path[80];
	emr_id16 own;
	found f;

	begin();
	own = early_file(path);
	let_it_arrive();
	pen_file(&p, s.imaging, own, "below.txt", "planted", NULL);
	assert_ok(p.last.error);
	f = read_back(true);
	has(&f, printed("|%s=hers|", path));
	has(&f, "|below.txt=planted|"); /* a file is no place: it lies at the top */
	end();
}

/* A directory of hers goes below one of his, which lies in it. */
TEST(a_circle_of_a_writers_takes_none_of_her_records_away)
{
	emr_id16 old, a;
	found f;

	begin();
	kit_mkdir(&s.k, "Imaging/Old/Head");
	kit_text(&s.k, "Imaging/Old/Head/MR.pdf", "another head");
	let_it_arrive();
	old = kit_object_id(&s.k, "Imaging/Old");
	pen_dir(&p, s.imaging, old, "a", &a);
	pen_describe(&p, EMR_META_DIR, s.imaging, old, a, "Old");
	assert_ok(p.last.error);
	f = read_back(true);
	has(&f, "|CT.pdf=%PDF a head|");
	has(&f, "|Head/MR.pdf=another head|"); /* as far up as it is her word */
	has(&f, "|Imaging/MRI.pdf=%PDF a knee|");
	assert_int_equal(f.left_out, 2); /* Old and a */
	end();
}

TEST(a_deposit_comes_back_once_the_owner_has_placed_it)
{
	emr_buf card = {0};
	emr_id16 inbox;
	found f;

	begin();
	assert_ok(domains_inbox(s.k.view, &inbox));
	assert_ok(emr_card_make_domain(s.k.stack.keyring, emr_ledger_net_id(s.k.stack.ledger),
		inbox, 1, 1, story_now(&s), story_now(&s) + 400 * DAY, "", "", &card));
	pen_deposit(&p, inbox, emr_buf_view(&card), "Lab.txt", "left by lima");
	assert_ok(p.last.error);
	f = read_back(true);
	has_not(&f, "Lab.txt");
	assert_int_equal(f.left_out, 1);
	let_it_arrive();
	f = read_back(true);
	has(&f, "/Lab.txt=left by lima|");
	assert_int_equal(f.left_out, 0);
	emr_buf_free(&card);
	end();
}

TESTS(NULL, NULL)
