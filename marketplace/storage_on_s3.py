"""Files in object storage that speaks S3, which checks with every upload that it got the bytes we meant."""

from __future__ import annotations

import base64
import errno
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

MIB = 2**20
IN_PARTS_FROM_BYTES = 64 * MIB
"""From here on a file goes up in parts: S3 checks a SHA-256 of the whole only where one request brings it all."""
PART_BYTES, PARTS_AT_ONCE = 8 * MIB, 4
READ_IN_MEMORY_BYTES = 8 * MIB
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, TRIES = 3, 60, 3
FULL_CODES = {"EntityTooLarge", "QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
"""What Swift, Ceph and MinIO answer when a quota or a disk is full; AWS is never full."""


class CheckedS3Storage(S3Storage):
    """Django's files in S3; the SHA-256 in a key is bound into its upload, and a full store is told as a full disk."""

    def __init__(self, **options: Any) -> None:
        at_home = bool(options.get("endpoint_url"))
        client_config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if at_home else "auto"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": TRIES},
        )
        transfer_config = TransferConfig(
            multipart_threshold=IN_PARTS_FROM_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=PARTS_AT_ONCE
        )
        super().__init__(
            client_config=client_config,
            transfer_config=transfer_config,
            max_memory_size=READ_IN_MEMORY_BYTES,
            default_acl=None,
            security_token=None,  # django-storages would take one out of AWS_SESSION_TOKEN, which is for other keys
            session_profile=None,
            file_overwrite=True,
            **options,
        )

    def _save(self, name: str, content: File[Any]) -> str:
        try:
            return str(super()._save(name, content))
        except ClientError as error:
            answer = error.response
            if answer["ResponseMetadata"]["HTTPStatusCode"] == 507 or answer["Error"]["Code"] in FULL_CODES:
                raise OSError(errno.ENOSPC, "the object storage is full") from error
            raise

    def _get_write_parameters(self, name: str, content: File[Any] | None = None) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._get_write_parameters(name, content)
        if content is None or content.size >= IN_PARTS_FROM_BYTES:
            return parameters | {"ChecksumAlgorithm": "SHA256"}  # of each part
        sha256 = bytes.fromhex(name.rpartition("/")[2])
        return parameters | {"ChecksumSHA256": base64.b64encode(sha256).decode()}
