-- A transaction may be in a currency without a rate to the euro.
-- depends: 20261128_04_dead_letters

-- migrate: apply
ALTER TABLE review_queue ALTER COLUMN expected_loss_eur DROP NOT NULL;

-- migrate: rollback
UPDATE review_queue SET expected_loss_eur = 0 WHERE expected_loss_eur IS NULL;
ALTER TABLE review_queue ALTER COLUMN expected_loss_eur SET NOT NULL;
