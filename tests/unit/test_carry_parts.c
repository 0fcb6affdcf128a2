/* These tests show what tools of IPFS make of an exported file: any of its blocks, in any order,
 * below any roots, beside other people's. Whole records open, the rest is said to be missing, and
 * nothing else comes out. */
#include <sys/mman.h>

#include "carry/carry.h"
#include "carry/catalogue.h"
#include "contract/codes.h"
#include "store/car.h"
#include "store/dag_pb.h"
#include "store/unixfs.h"
#include "view_kit.h"

#define DIRS 3
#define FILES 150 /* in each: more than one page has room for */
#define BIG 300000

static kit k;
static emr_buf car; /* of all of it */
static emr_carry_tally said;

/* ---- CARs as lists of blocks, read and written here ---- */

typedef struct piece {
	size_t at, len; /* the section */
	size_t data;	/* of the block */
	size_t data_len;
	uint8_t cid[EMR_CID_BYTES];
} piece;

static piece *pieces;
static size_t n_pieces;

static uint64_t varint(const emr_buf *b, size_t *at)
{
	uint64_t value = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint8_t byte = b->data[(*at)++];

		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return value;
	}
}

static void cut_up(void)
{
	size_t at = 0;

	at += varint(&car, &at);
	while (at < car.len) {
		piece p = {.at = at};
		size_t len = varint(&car, &at);

		memcpy(p.cid, car.data + at, sizeof p.cid);
		p.data = at + sizeof p.cid;
		p.data_len = len - sizeof p.cid;
		at += len;
		p.len = at - p.at;
		pieces = realloc(pieces, (n_pieces + 1) * sizeof *pieces);
		assert_non_null(pieces);
		pieces[n_pieces++] = p;
	}
}

static const piece *piece_of(const emr_cid *cid)
{
	for (size_t i = 0; i < n_pieces; i++)
		if (memcmp(pieces[i].cid, cid->b, sizeof cid->b) == 0)
			return &pieces[i];
	return NULL;
}

static bool is_page(const piece *p)
{
	return p->cid[1] == EMR_CODEC_RAW && p->data_len > 4 &&
	       memcmp(car.data + p->data, "EMXC", 4) == 0;
}

static bool is_bundle(const piece *p)
{
	emr_unixfs_bundle bundle;

	return p->cid[1] == EMR_CODEC_DAG_PB &&
	       emr_unixfs_bundle_decode(emr_bytes_of(car.data + p->data, p->data_len), &bundle) ==
		       EMR_OK;
}

static void add_section(emr_buf *out, const void *cid, size_t cid_len, const void *data, size_t len)
{
	uint8_t head[EMR_VARINT_MAX];

	assert_ok(emr_buf_append(out, head, emr_varint_put(head, cid_len + len)));
	assert_ok(emr_buf_append(out, cid, cid_len));
	assert_ok(emr_buf_append(out, data, len));
}

static void add_piece(emr_buf *out, const piece *p)
{
	assert_ok(emr_buf_append(out, car.data + p->at, p->len));
}

/* Blocks under names that nothing here has. */
static void add_strange(emr_buf *out, uint64_t *seed)
{
	static const char text[] = "somebody else's";
	emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(text, sizeof text));
	uint8_t identity[] = {1, 0x55, 0, 3, 'a', 'b', 'c'};
	uint8_t blake[36] = {1, 0x55, 0x1e, 32, 9};

	switch (kit_random(seed) % 5) {
	case 0:
		cid.b[1] = 0x71; /* dag-cbor */
		add_section(out, cid.b, sizeof cid.b, text, sizeof text);
		break;
	case 1:
		add_section(out, cid.b + 2, 34, text, sizeof text); /* version 0 */
		break;
	case 2:
		add_section(out, identity, sizeof identity, "abc", 3);
		break;
	case 3:
		add_section(out, blake, sizeof blake, "not hashed here", 15);
		break;
	default:
		add_section(out, cid.b, sizeof cid.b, text, sizeof text);
	}
}

static void begin_car(emr_buf *out, const emr_cid *roots, size_t n)
{
	assert_ok(emr_car_write_header(out, roots, n));
}

static emr_status open_car(const emr_buf *bytes, emr_parcel **out)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("car", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bytes->data, bytes->len, 0), (ssize_t)bytes->len);
	return emr_parcel_open(fd, k.stack.keyring, NULL, out);
}

/* ---- what comes out ---- */

typedef struct looking {
	emr_parcel *parcel;
	const bool *has; /* of the pieces; NULL: all */
	uint64_t seed;
	size_t files, opened, missing, every; /* one in EVERY is opened */
	size_t outside;			      /* files whose directory is not known */
} looking;

static bool has_below(const looking *l, const emr_cid *cid)
{
	const piece *p = piece_of(cid);
	emr_dag_pb_cursor cursor;
	emr_dag_pb_link link;
	emr_bytes data;
	bool more = true;

	if (p == NULL || !l->has[p - pieces])
		return false;
	if (cid->b[1] == EMR_CODEC_RAW)
		return true;
	cursor = emr_dag_pb_begin(emr_bytes_of(car.data + p->data, p->data_len));
	while (emr_dag_pb_next(&cursor, &more, &link, &data) == EMR_OK && more)
		if (!has_below(l, &link.cid))
			return false;
	return true;
}

static emr_status look(void *arg, const emr_parcel_record *r)
{
	looking *l = arg;
	emr_content_reader *reader = NULL;
	const char *name = strrchr(r->path, '/');
	char text[100] = "";
	size_t got = 0;
	emr_status status;

	if (r->meta.type != EMR_META_FILE)
		return EMR_OK;
	l->files++;
	l->outside += name == NULL;
	if (kit_random(&l->seed) % l->every != 0)
		return EMR_OK;
	status = emr_parcel_content(l->parcel, r->number, NULL, 0, &reader);
	if (status == EMR_OK)
		status = emr_content_reader_read(reader, 0, text, sizeof text - 1, &got);
	emr_content_reader_free(reader);
	if (l->has != NULL && !has_below(l, r->root)) {
		assert_status(EMR_MISSING_DATA, status);
		l->missing++;
		return EMR_OK;
	}
	assert_ok(status);
	l->opened++;
	name = name != NULL ? name + 1 : r->path;
	if (strcmp(name, "big") != 0)
		assert_string_equal(text, name); /* each says what it is called */
	return EMR_OK;
}

static looking look_at(const emr_buf *bytes, const bool *has, size_t every)
{
	looking l = {.has = has, .every = every, .seed = 7};

	assert_ok(open_car(bytes, &l.parcel));
	assert_ok(emr_parcel_each(l.parcel, look, &l));
	emr_parcel_close(l.parcel);
	return l;
}

/* ---- the folder ---- */

static void export(emr_buf *out)
{
	const emr_carry_sources from = {.keyring = k.stack.keyring,
		.ledger = k.stack.ledger,
		.replica = k.stack.replica,
		.store = emr_store_blocks(k.stack.store),
		.facts = k.stack.facts};
	EMR_AUTO_FD fd = memfd_create("car", MFD_CLOEXEC);

	assert_ok(emr_carry_write(&from, NULL, fd, &said));
	emr_buf_clear(out);
	assert_ok(emr_buf_append_zeros(out, said.bytes));
	assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)said.bytes);
	assert_int_equal(pread(fd, out->data, out->len, 0), (ssize_t)out->len);
}

AROUND(begin)
{
	uint8_t *big = kit_bytes(BIG, 3);

	kit_open(&k);
	kit_mkdir(&k, "Letters");
	for (int d = 0; d < DIRS; d++) {
		char name[40];

		kit_mkdir(&k, printed("Letters/%d", d));
		for (int f = 0; f < FILES; f++) {
			snprintf(name, sizeof name, "letter %d of %d", f, d);
			kit_text(&k, printed("Letters/%d/%s", d, name), name);
		}
	}
	kit_write(&k, "Letters/big", big, BIG);
	kit_publish_all(&k);
	free(big);
	export(&car);
	cut_up();
}

AROUND(end)
{
	emr_buf_free(&car);
	free(pieces);
	kit_close(&k);
}

/* ---- the tests ---- */

static size_t reach(const emr_cid *cid, bool *seen)
{
	const piece *p = piece_of(cid);
	emr_dag_pb_cursor cursor;
	emr_dag_pb_link link;
	emr_bytes data;
	bool more = true;
	size_t n = 1;

	assert_non_null(p);
	if (seen[p - pieces])
		return 0;
	seen[p - pieces] = true;
	if (cid->b[1] == EMR_CODEC_RAW)
		return 1;
	cursor = emr_dag_pb_begin(emr_bytes_of(car.data + p->data, p->data_len));
	for (;;) {
		assert_ok(emr_dag_pb_next(&cursor, &more, &link, &data));
		if (!more)
			return n;
		n += reach(&link.cid, seen);
	}
}

TEST(one_root_leads_to_every_block)
{
	EMR_AUTO_FREE bool *seen = calloc(n_pieces, sizeof *seen);
	EMR_AUTO_BUF header = {0};
	size_t bundles = 0, pages = 0;

	assert_non_null(seen);
	assert_ok(emr_car_write_header(&header, &said.root, 1));
	assert_true(car.len > header.len);
	assert_memory_equal(car.data, header.data, header.len);
	assert_int_equal(reach(&said.root, seen), n_pieces);
	for (size_t i = 0; i < n_pieces; i++) {
		assert_true(pieces[i].data_len <= 1 << 20);
		bundles += is_bundle(&pieces[i]);
		pages += is_page(&pieces[i]);
	}
	assert_int_equal(bundles, DIRS * FILES + 1);
	assert_int_equal(said.records, DIRS * FILES + 1);
	assert_true(pages > 1);
}

TEST(all_of_it_comes_back)
{
	looking l = look_at(&car, NULL, 1);

	assert_int_equal(l.files, DIRS * FILES + 1);
	assert_int_equal(l.opened, DIRS * FILES + 1);
	assert_int_equal(l.outside, 0);
}

static void add_reached(emr_buf *out, const bool *seen)
{
	for (size_t i = 0; i < n_pieces; i++)
		if (seen[i])
			add_piece(out, &pieces[i]);
}

TEST(a_part_opens_by_itself)
{
	size_t parts = 0, files = 0;

	for (size_t i = 0; i < n_pieces; i++) {
		bool *seen = calloc(n_pieces, sizeof *seen);
		bool has_page = false;
		EMR_AUTO_BUF one = {0};
		emr_cid root;
		looking l;

		assert_non_null(seen);
		memcpy(root.b, pieces[i].cid, sizeof root.b);
		if (root.b[1] == EMR_CODEC_DAG_PB && !is_bundle(&pieces[i]) &&
			!emr_cid_equal(&root, &said.root) && reach(&root, seen) > 1)
			for (size_t j = 0; j < n_pieces; j++)
				has_page = has_page || (seen[j] && is_page(&pieces[j]));
		if (has_page) {
			begin_car(&one, &root, 1);
			add_reached(&one, seen);
			l = look_at(&one, NULL, 10);
			assert_int_equal(l.outside, 0);
			assert_int_equal(l.missing, 0);
			parts++;
			files += l.files;
		}
		free(seen);
	}
	assert_true(parts > 1);
	assert_int_equal(files, DIRS * FILES + 1);
}

static void shuffle(size_t *order, size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = kit_random(seed) % i, swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

/* A CAR of some of the blocks, some of them twice, in any order, below any roots. */
static size_t make_subset(emr_buf *out, bool *has, uint64_t *seed)
{
	size_t *order = calloc(n_pieces, sizeof *order), pages = 0;
	unsigned of = 1 + kit_random(seed) % 20; /* one in OF is left away */
	emr_cid roots[4];

	assert_non_null(order);
	for (size_t i = 0; i < n_pieces; i++)
		order[i] = i;
	shuffle(order, n_pieces, seed);
	for (size_t i = 0; i < 4; i++)
		memcpy(roots[i].b, pieces[order[i]].cid, EMR_CID_BYTES);
	begin_car(out, roots, 1 + kit_random(seed) % 4);
	memset(has, 0, n_pieces * sizeof *has);
	for (size_t i = 0; i < n_pieces; i++) {
		if (of > 1 && kit_random(seed) % of == 0)
			continue;
		if (of == 1 && kit_random(seed) % 8 != 0)
			continue;
		has[order[i]] = true;
		pages += is_page(&pieces[order[i]]);
		add_piece(out, &pieces[order[i]]);
		if (kit_random(seed) % 50 == 0)
			add_piece(out, &pieces[order[kit_random(seed) % (i + 1)]]);
		if (kit_random(seed) % 50 == 0)
			add_strange(out, seed);
	}
	/* Blocks that were written twice are there, too. */
	free(order);
	return pages;
}

static void mark_all(const emr_buf *bytes, bool *has)
{
	size_t at = 0;

	at += varint(bytes, &at);
	while (at < bytes->len) {
		size_t len = varint(bytes, &at);
		emr_cid cid;
		const piece *p;

		memcpy(cid.b, bytes->data + at, len < sizeof cid.b ? len : sizeof cid.b);
		p = piece_of(&cid);
		if (p != NULL)
			has[p - pieces] = true;
		at += len;
	}
}

TEST(any_of_its_blocks_in_any_order_open_what_is_whole)
{
	EMR_AUTO_FREE bool *has = calloc(n_pieces, sizeof *has);
	size_t opened = 0, missing = 0;
	uint64_t seed = 11;

	assert_non_null(has);
	for (int round = 0; round < 40; round++) {
		EMR_AUTO_BUF some = {0};
		emr_parcel *parcel = NULL;
		looking l;

		if (make_subset(&some, has, &seed) == 0) {
			emr_status status = open_car(&some, &parcel);

			assert_true(status == EMR_OK || status == EMR_NOT_FOUND);
			emr_parcel_close(parcel);
			continue;
		}
		mark_all(&some, has);
		l = look_at(&some, has, 10);
		opened += l.opened;
		missing += l.missing;
	}
	assert_true(opened > 0);
	assert_true(missing > 0);
}

TEST(a_torn_end_is_refused)
{
	uint64_t seed = 5;

	for (int round = 0; round < 60; round++) {
		EMR_AUTO_BUF cut = {0};
		emr_parcel *parcel = NULL;
		size_t len = kit_random(&seed) % car.len;
		bool at_end = len == pieces[0].at;

		for (size_t i = 0; i < n_pieces; i++)
			at_end = at_end || len == pieces[i].at;
		if (at_end)
			continue;
		assert_ok(emr_buf_append(&cut, car.data, len));
		assert_status(EMR_DAMAGED, open_car(&cut, &parcel));
	}
}

TEST(a_content_alone_has_no_records_and_is_seen)
{
	AUTO(emr_parcel_auto) emr_parcel *parcel;
	EMR_AUTO_BUF one = {0};
	size_t seen = 0;
	emr_cid root;

	for (size_t i = 0; i < n_pieces && seen == 0; i++)
		if (is_bundle(&pieces[i])) {
			bool *below = calloc(n_pieces, sizeof *below);

			assert_non_null(below);
			memcpy(root.b, pieces[i].cid, sizeof root.b);
			reach(&root, below);
			begin_car(&one, &root, 1);
			add_reached(&one, below);
			free(below);
			seen++;
		}
	assert_ok(open_car(&one, &parcel));
}

/* A writer can save a file of which one leaf looks like a page. */
TEST(a_leaf_that_looks_like_a_page_takes_nothing_away)
{
	static const uint8_t newer[40] = "EMXC\4";
	static const uint8_t torn[40] = "EMXC\3\0\0\0\0\0\0\2";
	AUTO(emr_parcel_auto) emr_parcel *parcel;
	EMR_AUTO_BUF both = {0};
	emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(newer, sizeof newer));

	assert_ok(emr_buf_append(&both, car.data, car.len));
	add_section(&both, cid.b, sizeof cid.b, newer, sizeof newer);
	cid = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of(torn, sizeof torn));
	add_section(&both, cid.b, sizeof cid.b, torn, sizeof torn);
	assert_int_equal(look_at(&both, NULL, 20).files, DIRS * FILES + 1);
	assert_ok(open_car(&both, &parcel));
	assert_int_equal(emr_parcel_foreign(parcel), 2);
}

TEST(of_two_days_in_one_the_later_word_counts)
{
	EMR_AUTO_BUF later = {0};
	EMR_AUTO_BUF both = {0};
	size_t at = 0;
	looking l;

	kit_rename(&k, "Letters/0/letter 0 of 0", "Letters/0/renamed");
	kit_save(&k, "Letters/0/renamed", "renamed");
	export(&later);
	at += varint(&later, &at);
	assert_ok(emr_buf_append(&both, car.data, car.len));
	assert_ok(emr_buf_append(&both, later.data + at, later.len - at));
	l = look_at(&both, NULL, 1);
	assert_int_equal(l.files, DIRS * FILES + 1);
	assert_int_equal(l.opened, l.files);
	/* The other way round it is the same. */
	emr_buf_clear(&both);
	assert_ok(emr_buf_append(&both, later.data, later.len));
	assert_ok(emr_buf_append(&both, car.data + pieces[0].at, car.len - pieces[0].at));
	assert_int_equal(look_at(&both, NULL, 1).opened, DIRS * FILES + 1);
}

/* ---- pages of one's own that are put together here ---- */

#define PAGE_HEAD 12
#define ENTRIES 600

/* The entries of a page of the CAR, one after the other. */
typedef struct entries {
	emr_bytes listkeys[ENTRIES], dirs[ENTRIES], files[ENTRIES];
	size_t n_listkeys, n_dirs, n_files;
} entries;

static void sort_entry(entries *all, emr_bytes entry, uint8_t op)
{
	if (op == EMR_OP_LISTKEY)
		all->listkeys[all->n_listkeys++] = entry;
	else if (op == EMR_OP_META)
		all->dirs[all->n_dirs++] = entry;
	else
		all->files[all->n_files++] = entry;
}

static emr_buf opened; /* the page that ENTRIES point into */

static entries entries_of(const piece *page)
{
	entries all = {.n_files = 0};
	emr_item item;

	emr_buf_clear(&opened);
	assert_ok(emr_page_open(
		k.stack.keyring, emr_bytes_of(car.data + page->data, page->data_len), &opened));
	for (size_t at = PAGE_HEAD; at < opened.len;) {
		const uint8_t *entry = opened.data + at;
		const uint8_t *path = entry + EMR_ITEM_BYTES + EMR_HEADER_BYTES;
		size_t len;

		assert_int_equal(
			emr_item_parse((emr_span){entry, EMR_ITEM_BYTES}, &item), EMR_CONTRACT_OK);
		len = (size_t)(path - entry) + 4 + path[2] * (size_t)32 + item.priv_len;
		sort_entry(&all, emr_bytes_of(entry, len), item.op);
		at += len;
	}
	assert_true(all.n_dirs > 0 && all.n_files > 1);
	return all;
}

static entries first_page(void)
{
	for (size_t i = 0; i < n_pieces; i++)
		if (is_page(&pieces[i]))
			return entries_of(&pieces[i]);
	fail();
	return (entries){.n_files = 0};
}

/* A page with the listing keys of ALL, and then A and B. */
static emr_cid make_page(const entries *all, emr_bytes a, emr_bytes b, emr_buf *out)
{
	static const uint8_t head[8] = "EMXC\2";
	const uint8_t count[4] = {
		0, 0, (uint8_t)((all->n_listkeys + 2) >> 8), (uint8_t)(all->n_listkeys + 2)};

	EMR_AUTO_BUF page = {0};
	emr_page_folder folder = {.epoch = 1};
	emr_item item;

	assert_int_equal(
		emr_item_parse((emr_span){a.data, EMR_ITEM_BYTES}, &item), EMR_CONTRACT_OK);
	memcpy(folder.domain.b, item.domain_id, sizeof folder.domain.b);
	assert_ok(emr_buf_append(&page, head, sizeof head));
	assert_ok(emr_buf_append(&page, count, sizeof count));
	for (size_t i = 0; i < all->n_listkeys; i++)
		assert_ok(emr_buf_append(&page, all->listkeys[i].data, all->listkeys[i].len));
	assert_ok(emr_buf_append(&page, a.data, a.len));
	assert_ok(emr_buf_append(&page, b.data, b.len));
	emr_buf_clear(out);
	assert_ok(emr_page_seal(k.stack.keyring, &folder, 1, emr_buf_view(&page), out));
	return emr_cid_of_block(EMR_CODEC_RAW, emr_buf_view(out));
}

/* The pages come in order of their CIDs, which is as good as none. */
TEST(a_page_begins_with_the_directory_that_the_one_before_it_ends_with)
{
	const entries all = first_page();
	EMR_AUTO_FREE bool *none = calloc(n_pieces, sizeof *none);
	EMR_AUTO_BUF two = {0};
	EMR_AUTO_BUF first = {0};
	EMR_AUTO_BUF second = {0};
	emr_cid a, b;
	AUTO(emr_parcel_auto) emr_parcel *parcel;
	size_t i = 0;

	assert_non_null(none);
	do {
		assert_true(i + 1 < all.n_files);
		a = make_page(&all, all.files[i], all.dirs[0], &first);
		b = make_page(&all, all.dirs[0], all.files[i + 1], &second);
		i++;
	} while (memcmp(a.b, b.b, sizeof a.b) > 0);
	begin_car(&two, &a, 1);
	add_section(&two, a.b, sizeof a.b, first.data, first.len);
	add_section(&two, b.b, sizeof b.b, second.data, second.len);
	assert_int_equal(look_at(&two, none, 1).files, 2);
	assert_ok(open_car(&two, &parcel));
	assert_int_equal(emr_parcel_foreign(parcel), 0);
	assert_int_equal(emr_parcel_torn(parcel), 0);
}

TEST(a_page_that_breaks_off_at_ones_own_item_is_not_somebody_elses)
{
	const entries all = first_page();
	EMR_AUTO_BUF both = {0};
	EMR_AUTO_BUF page = {0};
	AUTO(emr_parcel_auto) emr_parcel *parcel;
	emr_cid cid = make_page(&all, all.dirs[0], all.dirs[0], &page);

	assert_ok(emr_buf_append(&both, car.data, car.len));
	add_section(&both, cid.b, sizeof cid.b, page.data, page.len);
	assert_int_equal(look_at(&both, NULL, 20).files, DIRS * FILES + 1);
	assert_ok(open_car(&both, &parcel));
	assert_int_equal(emr_parcel_foreign(parcel), 0);
	assert_int_equal(emr_parcel_torn(parcel), 1);
}

TESTS(begin, end)
