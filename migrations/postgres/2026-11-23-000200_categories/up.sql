CREATE TABLE categories (
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT categories_name_key UNIQUE,
    display_name text NOT NULL,
    description text,
    icon text,
    color text,
    sort_order integer NOT NULL DEFAULT 0,
    is_active boolean NOT NULL DEFAULT true,
    -- How many active agents stand in it; kept in the transaction that changes an agent.
    agent_count bigint NOT NULL DEFAULT 0 CONSTRAINT categories_agent_count_positive CHECK (agent_count >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT categories_name_slug CHECK (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND char_length(name) <= 50),
    CONSTRAINT categories_color_hex CHECK (color ~ '^#[0-9a-f]{6}$')
);

INSERT INTO categories (id, name, display_name, description, icon, color, sort_order, created_at, updated_at) VALUES
    ('019ab000-0000-7000-8000-000000000001', 'productivity', 'Productivity', 'Agents that plan, schedule, remind and take routine work off people''s hands.', 'check-square', '#2563eb', 10, '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z'),
    ('019ab000-0000-7000-8000-000000000002', 'development', 'Development', 'Agents that write, review, test and ship software.', 'code', '#7c3aed', 20, '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z'),
    ('019ab000-0000-7000-8000-000000000003', 'content', 'Content', 'Agents that write, edit, translate and illustrate.', 'pen-tool', '#db2777', 30, '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z'),
    ('019ab000-0000-7000-8000-000000000004', 'analysis', 'Analysis', 'Agents that query, measure, forecast and explain data.', 'bar-chart', '#059669', 40, '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z'),
    ('019ab000-0000-7000-8000-000000000005', 'automation', 'Automation', 'Agents that connect systems and run workflows on their own.', 'zap', '#d97706', 50, '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z'),
    ('019ab000-0000-7000-8000-000000000006', 'communication', 'Communication', 'Agents that answer, summarise and route messages and calls.', 'message-circle', '#0891b2', 60, '2026-11-23T00:00:00Z', '2026-11-23T00:00:00Z');
