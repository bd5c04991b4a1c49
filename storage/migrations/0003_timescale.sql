-- Where TimescaleDB (>= 2.18) is installed and preloaded, `reading` becomes a hypertable with columnstore. Where
-- it is not, this does nothing, and every query runs unchanged. Everything stands in strings because plain
-- PostgreSQL knows neither the functions nor the options. It may be run again, by hand, on a database that began
-- without TimescaleDB (docs/timescale.md).
do $$
begin
    -- Only the preloaded library makes this setting a known one. shared_preload_libraries itself is shown to
    -- superusers alone, and a database's owner need not be one.
    if not exists (select from pg_available_extensions where name = 'timescaledb')
        or not exists (select from pg_settings where name = 'timescaledb.max_background_workers') then
        return;
    end if;
    execute 'create extension if not exists timescaledb';
    -- The primary key serves every query by patient, so no further index on time. TimescaleDB warns here of
    -- device_time, which is without a zone because the device's clock has none.
    execute $sql$
        select create_hypertable('reading', by_range('measured_at', interval '30 days'),
            create_default_indexes => false, migrate_data => true, if_not_exists => true)
    $sql$;
    if current_setting('timescaledb.license', true) is distinct from 'timescale' then
        raise notice 'TimescaleDB without its community licence: reading stays in rows';
        return;
    end if;
    execute $sql$
        alter table reading set (
            timescaledb.enable_columnstore = true,
            timescaledb.segmentby = 'patient_id',
            timescaledb.orderby = 'measured_at, reading_id')
    $sql$;
    -- A device brings its memory of some weeks; what comes later still fits in, only more slowly.
    execute $sql$
        call add_columnstore_policy('reading', after => interval '90 days', if_not_exists => true)
    $sql$;
end
$$;
