/*
 * store_upload.h - what an upload is inside; for store_append.c and itself.
 */
#ifndef POSTRIDER_STORE_STORE_UPLOAD_H
#define POSTRIDER_STORE_STORE_UPLOAD_H

#include "base/buf.h"
#include "store/store_change.h"

struct store_upload {
	uint64_t size;    /* that was announced */
	uint64_t came;
	int fd;           /* owned; -1: in memory */
	struct buf bytes; /* if they are */
};

#endif
