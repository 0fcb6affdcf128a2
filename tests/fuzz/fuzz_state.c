/* This fuzz target reads small files of the state, as a disk gives them back: orders
 * and what waits for a yes, people, the name, and notes in text. The first byte chooses the file,
 * and whether the rest stands in it as it is or sealed with a good key: then the reader of its
 * inside is reached. Everything that is read comes out again, and none of it has a text without an
 * end. */
#include "base/file.h"
#include "base/secret.h"
#include "fuzz_dir.h"
#include "keyring/sealed.h"
#include "people/book.h"
#include "session/annex.h"
#include "session/second_copy.h"
#include "session/session.h"
#include "sharing/orders.h"

static emr_keyring *keyring;

static void has_end(const char *text, size_t size)
{
	if (memchr(text, '\0', size) == NULL)
		abort();
}

static void look_at_orders(void)
{
	EMR_AUTO_ORDERS list = {0};
	EMR_AUTO_ORDERS again = {0};

	if (emr_orders_load(keyring, fuzz_dir_fd(), &list) != EMR_OK)
		return;
	for (size_t i = 0; i < list.n; i++) {
		has_end(list.list[i].label, sizeof list.list[i].label);
		has_end(list.list[i].who, sizeof list.list[i].who);
		has_end(list.list[i].path, sizeof list.list[i].path);
		has_end(list.list[i].reason, sizeof list.list[i].reason);
	}
	if (emr_orders_save(keyring, fuzz_dir_fd(), &list) != EMR_OK ||
		emr_orders_load(keyring, fuzz_dir_fd(), &again) != EMR_OK || again.n != list.n ||
		again.next_number != list.next_number)
		abort();
	for (size_t i = 0; i < list.n; i++)
		if (again.list[i].number != list.list[i].number ||
			again.list[i].kind != list.list[i].kind ||
			again.list[i].rights != list.list[i].rights ||
			again.list[i].until_unix_s != list.list[i].until_unix_s)
			abort();
}

static void look_at_people(void)
{
	EMR_AUTO_BOOK book = {0};

	if (emr_book_load(keyring, fuzz_dir_fd(), &book) != EMR_OK)
		return;
	for (size_t i = 0; i < book.n; i++)
		has_end(book.people[i].who, sizeof book.people[i].who);
}

static void look_at_profile(void)
{
	emr_profile profile;

	if (emr_profile_load(keyring, fuzz_dir_fd(), &profile) != EMR_OK)
		return;
	has_end(profile.name, sizeof profile.name);
	has_end(profile.born, sizeof profile.born);
}

static void look_at_notes(void)
{
	emr_joined joined;
	emr_second_copy copy;

	if (emr_joined_read(fuzz_dir_fd(), &joined) == EMR_OK && joined.size == 0)
		abort();
	emr_second_copy_read(fuzz_dir_fd(), &copy);
	if (copy.is_known)
		has_end(copy.dir, sizeof copy.dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char *name, *head; /* magic and format; NULL: text, which is not sealed */
		void (*look)(void);
	} files[] = {{EMR_STATE_ORDERS, "EMPO\3", look_at_orders},
		{EMR_STATE_BOOK, "EMPP\1", look_at_people},
		{EMR_STATE_PROFILE, "EMPF\1", look_at_profile},
		{EMR_JOINING_JOINED, NULL, look_at_notes},
		{EMR_STATE_SECOND_COPY, NULL, look_at_notes}};
	uint8_t head[EMR_SEALED_HEAD_BYTES] = {0};
	size_t which;
	emr_bytes rest;
	emr_status status;

	if (keyring == NULL && (emr_base_init() != EMR_OK || emr_keyring_create(EMR_KEYRING_PERSON,
								     1, &keyring) != EMR_OK))
		abort();
	if (size == 0)
		return 0;
	which = data[0] % (sizeof files / sizeof *files);
	rest = emr_bytes_of(data + 1, size - 1);
	if (files[which].head != NULL && (data[0] & 0x80) == 0) {
		memcpy(head, files[which].head, 5);
		status = emr_sealed_save(keyring, fuzz_dir_fd(), files[which].name, head, rest);
	} else {
		status = emr_file_replace(fuzz_dir_fd(), files[which].name, rest, 0600);
	}
	if (status == EMR_OK)
		files[which].look();
	(void)unlinkat(fuzz_dir_fd(), files[which].name, 0);
	return 0;
}
