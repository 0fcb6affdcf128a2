/* This fuzz target gives `import` a CAR file of a stranger: it must end with an answer and give
 * out nothing. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "carry/carry.h"
#include "carry/catalogue.h"

static emr_status refuse(void *arg, const emr_parcel_record *record)
{
	(void)arg, (void)record;
	abort();
}

static emr_status take(void *arg, const emr_page_item *item)
{
	(void)arg, (void)item;
	return EMR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static emr_keyring *keyring;
	static int fd = -1;
	emr_parcel *parcel = NULL;

	if (keyring == NULL &&
		(emr_base_init() != EMR_OK ||
			emr_keyring_create(EMR_KEYRING_PERSON, 1, &keyring) != EMR_OK ||
			(fd = memfd_create("car", MFD_CLOEXEC)) < 0))
		abort();
	EMR_AUTO_BUF page = {0};

	if (emr_page_each(emr_bytes_of(data, size), take, NULL) == EMR_NO_MEMORY ||
		emr_page_open(keyring, emr_bytes_of(data, size), &page) == EMR_OK)
		abort();
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	/* Nobody else has this keyring: a record would be a forgery. */
	if (emr_parcel_open(fd, keyring, NULL, &parcel) == EMR_OK &&
		emr_parcel_each(parcel, refuse, NULL) != EMR_OK)
		abort();
	emr_parcel_close(parcel);
	return 0;
}
