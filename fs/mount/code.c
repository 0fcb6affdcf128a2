/* This file gives back the pages of program and libraries that were needed only to start: reading
 * settings, deriving the key, verifying, building the tree. */
#include "mount/service.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The loader wrote addresses among the code, as old assembly wants it: these pages are not the
 * file's any more, though the rights of their segment do not say so. */
static bool is_written(const struct dl_phdr_info *info)
{
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		const ElfW(Dyn) *entry = (const void *)(info->dlpi_addr + part->p_vaddr);

		if (part->p_type != PT_DYNAMIC)
			continue;
		for (; entry->d_tag != DT_NULL; entry++) {
			if (entry->d_tag == DT_TEXTREL ||
				(entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
				return true;
		}
	}
	return false;
}

/* Of one object's segments those that are never written: a page of such a segment is the file's
 * and is read again from there, as a rule from the page cache.  Pages that are locked in memory the
 * kernel leaves. A debugger's or a tracer's marks in the code (uprobes) go with their pages. */
static int object_rest(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t *page = arg;

	(void)size;
	if (is_written(info))
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + part->p_vaddr;
		uintptr_t to = (from + part->p_memsz) & ~(*page - 1);

		from = (from + *page - 1) & ~(*page - 1);
		if (part->p_type == PT_LOAD && (part->p_flags & PF_W) == 0 && from < to)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void emr_code_rest(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)dl_iterate_phdr(object_rest, &page);
}
