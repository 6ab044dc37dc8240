"""What an operator decides. What a regulator decides is in rulebooks/.

Read once, at start, from ``JIANDU_*`` variables or files under /run/secrets.
"""

import base64
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

SECRETS = Path("/run/secrets")
"""Where Docker puts the secrets of a container, one file each: ``jiandu_group_key`` and so on."""


def _key(value: object) -> object:
    if isinstance(value, str):
        found = base64.b64decode(value, validate=True)
        if len(found) != 32:  # noqa: PLR2004  # AES-256
            msg = f"A key has 32 bytes in base64; this one has {len(found)}."
            raise ValueError(msg)
        return found
    return value


Key = Annotated[bytes, BeforeValidator(_key), Field(repr=False)]
"""32 random bytes, given as base64."""


class Settings(BaseSettings):
    """Settings of one service process."""

    model_config = SettingsConfigDict(
        env_prefix="JIANDU_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    group: str = Field(default="jinke", description="Group whose regulation runs here.")
    site: str = Field(
        default="group", description="Subsidiary of an intake; `group` for headquarters' services."
    )
    mongo_url: SecretStr = Field(
        description="MongoDB replica set, for example mongodb://127.0.0.1:27017/?replicaSet=rs0."
    )
    amqp_url: SecretStr = Field(description="RabbitMQ, for example amqp://user:password@127.0.0.1:5672/.")
    database_prefix: str = Field(default="jiandu", description="Databases are named prefix_service[_site].")
    token_secret: Key = Field(description="Signs this site's sessions. Base64 of 32 bytes.")
    site_key: Key = Field(
        description="Seals the customer keys kept in this service's vault. Base64 of 32 bytes."
    )
    group_key: Key = Field(description="Seals what travels between services. Base64 of 32 bytes.")
    rulebooks: Path = Field(
        default=Path("rulebooks"), description="Where the registry finds the first edition."
    )
    seed_password: SecretStr | None = Field(
        default=None, description="Password of all seeded accounts. Without it no account is seeded."
    )
    session_hours: float = Field(default=12, gt=0, description="How long a session lasts, in hours.")
    sweep_every_s: float = Field(
        default=1.0, gt=0, description="Seconds between looks for deadlines that passed."
    )
    poll_s: float = Field(
        default=0.25,
        gt=0,
        description="Seconds after which events are found that a crash left outside the log.",
    )
    announce_s: float = Field(
        default=5.0, gt=0, description="Seconds between telling how far the log reaches."
    )
    gaps_after_s: float = Field(  # type: ignore[pydantic-alias]  # the first choice is its own name
        default=60.0,
        ge=0,
        validation_alias=AliasChoices("gaps_after_s", "JIANDU_GAPS_AFTER_S", "JIANDU_HOLES_AFTER_S"),
        description="Age in seconds at which a missing event is asked for.",
    )
    gaps_every_s: float = Field(  # type: ignore[pydantic-alias]  # the first choice is its own name
        default=5.0,
        gt=0,
        validation_alias=AliasChoices("gaps_every_s", "JIANDU_GAPS_EVERY_S", "JIANDU_HOLES_EVERY_S"),
        description="Seconds between looks for missing events.",
    )
    # Off unless asked for: in production they would tell whoever reaches the port what there is to call.
    api_pages: bool = Field(
        default=False,
        description="Whether every service has pages for people at `/` and `/docs`; the stack of `make up` has them.",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read variables first, then the secrets' files, on a machine that has such a folder."""
        files = (SecretsSettingsSource(settings_cls, SECRETS),) if SECRETS.is_dir() else ()
        return init_settings, env_settings, *files

    def database(self, service: str) -> str:
        """Name the database of ``service``."""
        parts = [self.database_prefix, service]
        if service == "intake":
            parts.append(self.site)
        return "_".join(parts).replace("-", "_")
