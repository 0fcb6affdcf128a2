/* This fuzz target reads what a client of a served ledger may be answered, what its host may be
 * asked, the settings of both, and the texts about where a host is. A message that is taken must be
 * written again as the same bytes, but for those of settings, which must be read again as the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "served/client.h"
#include "wire.h"

static void check_same(emr_status written, const emr_buf *again, emr_bytes bytes)
{
	if (written != EMR_OK || !emr_bytes_equal(emr_buf_view(again), bytes))
		abort();
}

static void read_answer(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	emr_ledger_answer answer;

	if (wire_read_answer(bytes, &answer) == EMR_OK)
		check_same(wire_put_answer(&answer, &again), &again, bytes);
}

static void read_keys(emr_bytes bytes)
{
	static emr_part_key keys[WIRE_KEYS_MAX];
	EMR_AUTO_BUF again = {0};
	size_t n;

	if (wire_read_keys(bytes, keys, &n) == EMR_OK)
		check_same(wire_put_keys(keys, n, &again), &again, bytes);
}

static void read_entries(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	emr_reader reader = emr_reader_of(bytes);
	emr_ledger_entry entry;

	while (wire_read_entry(&reader, &entry))
		if (wire_put_entry(&entry, &again) != EMR_OK)
			abort();
	if (!reader.bad)
		check_same(EMR_OK, &again, bytes);
}

static void read_parts(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	emr_reader reader = emr_reader_of(bytes);
	emr_bytes part;

	while (wire_read_part(&reader, &part))
		if (wire_put_part(part, &again) != EMR_OK)
			abort();
	if (!reader.bad)
		check_same(EMR_OK, &again, bytes);
}

static void read_given(emr_bytes bytes)
{
	static emr_part_key keys[WIRE_KEYS_MAX];
	static emr_bytes parts[WIRE_KEYS_MAX];
	EMR_AUTO_BUF again = {0};
	size_t n;

	if (wire_read_given(bytes, keys, parts, &n) != EMR_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (wire_put_keys(&keys[i], 1, &again) != EMR_OK ||
			wire_put_part(parts[i], &again) != EMR_OK)
			abort();
	check_same(EMR_OK, &again, bytes);
}

/* A list is read again as it is kept. */
static void read_hosts(emr_bytes bytes)
{
	static emr_served_at list[EMR_LEDGER_HOSTS_MAX], again[EMR_LEDGER_HOSTS_MAX];
	char text[EMR_SERVED_HOSTS_BYTES + 1] = "", one[EMR_SERVED_ADDRESS_CHARS];
	size_t n = 0, n_again = 0, at = 0;

	(void)snprintf(text, sizeof text, "%.*s", (int)(bytes.len % sizeof text),
		(const char *)bytes.data);
	if (emr_served_hosts_read(text, list, &n) != EMR_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		emr_served_address_text(&list[i], one);
		at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", one);
	}
	text[at] = '\0';
	if (emr_served_hosts_read(text, again, &n_again) != EMR_OK || n_again != n ||
		(n > 0 && !emr_id32_equal(list[n - 1].key, again[n - 1].key)))
		abort();
}

static void read_settings(emr_bytes bytes)
{
	EMR_AUTO_BUF text = {0};
	char address[EMR_SERVED_ADDRESS_CHARS], word[400];
	emr_served_at at, again;

	(void)snprintf(word, sizeof word, "%.*s", (int)(bytes.len % sizeof word),
		(const char *)bytes.data);
	if (emr_served_address_read(word, &at) == EMR_OK) {
		emr_served_address_text(&at, address);
		if (strcmp(address, word) != 0)
			abort();
	}
	read_hosts(bytes);
	if (emr_served_at_read(bytes, &at) != EMR_OK)
		return;
	if (emr_served_at_write(&at, &text) != EMR_OK ||
		emr_served_at_read(emr_buf_view(&text), &again) != EMR_OK ||
		strcmp(at.url, again.url) != 0 || strcmp(at.pin, again.pin) != 0 ||
		strcmp(at.socket, again.socket) != 0 || !emr_id32_equal(at.key, again.key) ||
		at.has_login != again.has_login || at.is_known != again.is_known ||
		strcmp(at.login, again.login) != 0)
		abort();
}

static void read_address(emr_bytes bytes)
{
	EMR_AUTO_BUF again = {0};
	emr_address address, same;

	if (emr_address_read(bytes, &address) == EMR_OK &&
		(emr_address_write(&address, &again) != EMR_OK ||
			emr_address_read(emr_buf_view(&again), &same) != EMR_OK ||
			same.n_voices != address.n_voices || same.unix_s != address.unix_s))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(emr_bytes) = {read_answer, read_keys, read_entries,
		read_parts, read_settings, read_address, read_given};

	if (size > 0)
		readers[data[0] % 7](emr_bytes_of(data + 1, size - 1));
	return 0;
}
